-- Files that count and may be merged with others: over, and with fewer than $rows_max samples.
-- Grain: file. Inputs: sample_files. Reads only.
select generation, name, from_us, to_us, first_us, last_us, rows, bytes, straight
from sample_files
where removed_at_us is null and to_us <= $before_us and rows < $rows_max
