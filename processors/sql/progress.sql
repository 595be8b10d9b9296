-- How far channels were when this was last written down, with the span that ends there.
-- Grain: channel. Inputs: channel_progress as progress_settle leaves it, channel_reach, spans. Reads
-- only.
with open_spans as (
    select s.channel_key, s.start_s, s.bgp, coalesce(s.loss_class::integer, -1) as loss_class
    from spans as s
    inner join channel_progress as p on s.channel_key = p.channel_key and s.end_s = p.folded_to_s
)

select
    p.channel_key, p.observed_at_us_max, p.folded_to_s,
    coalesce(r.interval_us_max, 0) as interval_us_max,
    coalesce(o.start_s, -1) as open_start_s,
    coalesce(o.bgp::integer, 0) as open_bgp,
    coalesce(o.loss_class, -1) as open_loss_class
from channel_progress as p
left join channel_reach as r on p.channel_key = r.channel_key
left join open_spans as o on p.channel_key = o.channel_key
