-- The spans of channels that touch a range: the evidence behind a circuit's buckets.
-- Grain: span. Inputs: channel_keys, a list; start_s, end_s: [start, end). Pure.
select channel_key, start_s, end_s, bgp, loss_class
from spans
where channel_key in (select unnest($channel_keys)) and end_s > $start_s and start_s < $end_s
order by channel_key, start_s
