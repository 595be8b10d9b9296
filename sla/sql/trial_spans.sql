-- Put a trial's evidence of a channel into spans, cut at UTC days as a node's are.
-- Grain: run and day. Inputs: channel_key; start_s, end_s, bgp, loss_class (parallel lists). Only
-- for a store in memory that holds nothing else; not idempotent.
insert into spans
select
    $channel_key,
    day,
    greatest(start_s, day * 86400),
    least(end_s, (day + 1) * 86400),
    bgp,
    loss_class
from (
    select
        unnest($start_s) as start_s,
        unnest($end_s) as end_s,
        unnest($bgp) as bgp,
        unnest($loss_class) as loss_class
),
    unnest(range(start_s // 86400, (end_s - 1) // 86400 + 1)) as days(day)
