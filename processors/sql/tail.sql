-- Samples that cells beyond folded_to_s may need: those that start there, and as far back as the
-- channel's greatest interval.
-- Grain: sample. Inputs: samples from $first_us on for zone maps, channel_progress, channel_reach.
-- Reads only.
select
    s.channel_key, s.observed_at_us, s.interval_us, s.latency_us, s.loss_ppm, s.bgp_state
from samples as s
inner join channel_progress as p on s.channel_key = p.channel_key
left join channel_reach as r on s.channel_key = r.channel_key
where s.observed_at_us >= p.folded_to_s * 1000000 - coalesce(r.interval_us_max, 0)
    and s.observed_at_us >= $first_us
order by s.channel_key, s.observed_at_us
