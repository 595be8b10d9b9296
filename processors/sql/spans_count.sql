-- Spans of a range of channels and time.
-- Grain: one row. Inputs: spans. Reads only.
select count(*)
from spans
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
