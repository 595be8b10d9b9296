-- Samples of stretches of channels, ordered for folding.
-- Grain: stretch and sample. Inputs: stretches (Arrow: track, channel_key, lo_us, hi_us), samples in
-- [$first_us, $last_us) for zone maps. Reads only.
select
    t.track, s.channel_key, s.observed_at_us, s.interval_us, s.latency_us, s.jitter_us, s.loss_ppm,
    s.rx_bps, s.tx_bps, s.bgp_state
from samples as s
inner join stretches as t
    on s.channel_key = t.channel_key and s.observed_at_us >= t.lo_us and s.observed_at_us < t.hi_us
where s.observed_at_us >= $first_us and s.observed_at_us < $last_us
order by t.track, s.observed_at_us
