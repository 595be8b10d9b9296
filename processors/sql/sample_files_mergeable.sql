-- Files that count and may be merged with others: over, and with fewer than $rows_max samples.
-- Grain: file. Inputs: sample_files. Reads only. What came straight is large, and of its own hours.
select generation, name, from_us, to_us, first_us, last_us, rows, bytes
from sample_files
where removed_at_us is null and to_us <= $before_us and rows < $rows_max and not straight
