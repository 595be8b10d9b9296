-- The packs of a circuit that begin in [$from_s, $to_s), and the one that begins at $longest_s, which
-- may reach into it. Grain: pack. Inputs: rollup_packs; places of a circuit follow each other, one
-- each 32 days. Reads only; in no order. Row groups of other times are passed by.
select place, from_s, size, content
from rollup_packs
where
    place >= $first_place and place <= $last_place
    and from_s >= $longest_s and from_s < $to_s
    and (from_s >= $from_s or from_s = $longest_s)
