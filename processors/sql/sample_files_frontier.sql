-- Up to where samples were moved to files; 0: none ever was.
-- Grain: one row. Inputs: sample_files. Reads only. What came straight was not moved.
select coalesce(max(to_us) filter (where not straight), 0)
from sample_files
