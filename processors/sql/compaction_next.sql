-- The first channel of a range of time after $after_channel_key that has rollups; null: none.
-- Grain: one row. Inputs: rollup_parts. Reads only.
select min(channel_key)
from rollup_parts
where start_s >= $from_s and start_s < $to_s and channel_key > $after_channel_key
