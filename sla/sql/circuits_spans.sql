-- All spans of many channels from $from_s on, each with a mark that any change of it changes.
-- Grain: span; loss_class -1: not measured. Inputs: channel_keys (a list, from $first_key to
-- $last_key). Pure; in no order. The same as circuit_spans.sql: a list is looked through for each
-- row of the table, which for the channels of 27 circuits took 14 ms; a hash of it takes 5.
select
    channel_key, start_s, end_s, bgp, coalesce(loss_class::integer, -1) as loss_class,
    hash(channel_key, start_s, end_s, bgp, loss_class) as mark
from spans
where start_s >= $from_s
    and channel_key between $first_key and $last_key
    and channel_key in (select unnest($channel_keys::integer[]))
