-- Rows of rollups of a range of channels and time.
-- Grain: one row. Inputs: rollup_parts. Reads only.
select count(*)
from rollup_parts
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
