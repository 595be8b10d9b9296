-- Where channels are known to be good or bad under their contracts, of many circuits at once.
-- Grain: span that says something, cut to its channel's active time. Inputs: judged_channels
-- (Arrow: channel_key, row: the circuit's, loss_class_max: greatest class that is not bad, from_s and
-- to_s: active). Pure; in no order.
select
    row, greatest(start_s, from_s) as start_s, least(end_s, to_s) as end_s,
    bgp = 2 or coalesce(loss_class > loss_class_max, false) as bad
from spans
join judged_channels using (channel_key)
where start_s < to_s and end_s > from_s and (bgp <> 0 or loss_class is not null)
