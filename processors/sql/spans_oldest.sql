-- The oldest span from an instant on.
-- Grain: one row. Inputs: spans from $from_s on for zone maps. Reads only.
select min(start_s)
from spans
where start_s >= $from_s
