-- The blocks of a range of channels and time, in order of channels.
-- Grain: channel and hour. Inputs: rollup_blocks. Reads only.
select *
from rollup_blocks
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
order by channel_key, start_s
