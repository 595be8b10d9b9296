-- The next channel that has blocks in a range of time.
-- Grain: one row, null: none. Inputs: rollup_blocks. Reads only.
select min(channel_key)
from rollup_blocks
where start_s >= $from_s and start_s < $to_s and channel_key > $after_channel_key
