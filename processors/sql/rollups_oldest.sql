-- The oldest rollup step from an instant on.
-- Grain: one row. Inputs: rollup_parts from $from_s on for zone maps. Reads only.
select min(start_s)
from rollup_parts
where start_s >= $from_s
