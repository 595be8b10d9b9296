-- All files the manifest names, those not yet unlinked too.
-- Grain: file. Inputs: sample_files. Reads only.
select name, generation, to_us, removed_at_us
from sample_files
