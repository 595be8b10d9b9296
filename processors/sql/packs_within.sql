-- The packs of a range of circuits that begin in a range of time.
-- Grain: pack, by circuit and time. Inputs: rollup_packs, $first_place and $last_place. Reads only.
select place, from_s, size, content
from rollup_packs
where from_s >= $from_s and from_s < $to_s and place >= $first_place and place <= $last_place
order by place, from_s
