-- Where the oldest block from an instant on begins.
-- Grain: one row, null: none. Inputs: rollup_blocks. Reads only.
select min(start_s)
from rollup_blocks
where start_s >= $from_s
