-- Where the oldest pack from an instant on begins.
-- Grain: one row, null: none. Inputs: rollup_packs. Reads only.
select min(from_s)
from rollup_packs
where from_s >= $from_s
