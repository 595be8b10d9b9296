-- Spans of a range of channels and time, in the order they are put back in.
-- Grain: span; loss_class -1: not measured. Inputs: spans. Reads only.
select channel_key, start_s, end_s, bgp, coalesce(loss_class::integer, -1) as loss_class
from spans
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
order by channel_key, start_s
