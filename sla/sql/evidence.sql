-- What spans say about channels over time, for whoever judges the circuits they belong to.
-- Grain: span that says something; loss_class -1: not measured. Inputs: channel_keys (a list, from
-- $first_key to $last_key), [$from_s, $to_s). Pure; in no order.
select channel_key, start_s, end_s, bgp, coalesce(loss_class::integer, -1) as loss_class
from spans
where channel_key between $first_key and $last_key
    and channel_key in (select unnest($channel_keys))
    and start_s < $to_s and end_s > $from_s
    and (bgp <> 0 or loss_class is not null)
