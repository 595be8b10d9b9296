-- The packs of a circuit and 32 days, found by the index: of one place, never of a list of them.
-- Grain: pack that begins in [$from_s, $to_s), and the one that begins at $longest_s, which may
-- reach into it. Inputs: rollup_packs. Reads only; in no order.
select place, from_s, size, content
from rollup_packs
where place = $place and (from_s >= $from_s and from_s < $to_s or from_s = $longest_s)
