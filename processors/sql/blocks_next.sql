-- The next channel that has rollups in an hour.
-- Grain: one row, null: none. Inputs: rollup_parts. Reads only.
select min(channel_key)
from rollup_parts
where start_s >= $from_s and start_s < $to_s and channel_key > $after_channel_key
