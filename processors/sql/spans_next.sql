-- The first channel of a range of time after $after_channel_key that has spans; null: none.
-- Grain: one row. Inputs: spans. Reads only.
select min(channel_key)
from spans
where start_s >= $from_s and start_s < $to_s and channel_key > $after_channel_key
