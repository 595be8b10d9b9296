-- When the oldest message among the rejects was appended.
-- Grain: one row. Inputs: rejects. Reads only.
select min(append_time_us)
from rejects
