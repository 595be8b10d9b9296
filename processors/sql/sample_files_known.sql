-- All files the manifest names, those not yet unlinked too.
-- Grain: file. Inputs: sample_files. Reads only.
select name, generation, removed_at_us
from sample_files
