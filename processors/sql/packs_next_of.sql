-- The next place that has packs beginning in a range of time.
-- Grain: one row, null: none. Inputs: rollup_packs. Reads only.
select min(place)
from rollup_packs
where from_s >= $from_s and from_s < $to_s and place > $after_place
