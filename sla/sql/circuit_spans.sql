-- All spans of some channels from $from_s on, each with a mark that any change of it changes.
-- Grain: span; loss_class -1: not measured. Inputs: channel_keys (a list, from $first_key to
-- $last_key). Pure; in no order. The marks of a circuit's spans add up to what fingerprints.sql says.
select
    channel_key, start_s, end_s, bgp, coalesce(loss_class::integer, -1) as loss_class,
    hash(channel_key, start_s, end_s, bgp, loss_class) as mark
from spans
where start_s >= $from_s
    and channel_key between $first_key and $last_key
    and list_contains($channel_keys, channel_key)
