-- Rollups of a range of channels and time, to be summed by step.
-- Grain: row of rollup_parts. Inputs: rollup_halves. Reads only; in no order.
select *
from rollup_halves
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
