-- Samples of stretches of channels, ordered for folding.
-- Grain: stretch and sample. Inputs: stretches (Arrow: track, channel_key, lo_us, hi_us), samples and
-- moved (the Parquet files that may hold some) in [$first_us, $last_us), $first_key to $last_key, so
-- that little is read. Reads only.
-- Of two with one key the higher generation stands; `samples` is above all files.
with kept as (
    select
        channel_key, observed_at_us, interval_us, latency_us, jitter_us, loss_ppm, rx_bps, tx_bps,
        bgp_state, 9223372036854775807 as generation
    from samples
    where observed_at_us >= $first_us and observed_at_us < $last_us
        and channel_key >= $first_key and channel_key <= $last_key
    union all by name
    select
        channel_key, observed_at_us, interval_us, latency_us, jitter_us, loss_ppm, rx_bps, tx_bps,
        bgp_state, generation
    from moved
    where observed_at_us >= $first_us and observed_at_us < $last_us
        and channel_key >= $first_key and channel_key <= $last_key
)

select
    t.track, s.channel_key, s.observed_at_us, s.interval_us, s.latency_us, s.jitter_us, s.loss_ppm,
    s.rx_bps, s.tx_bps, s.bgp_state
from kept as s
inner join stretches as t
    on s.channel_key = t.channel_key and s.observed_at_us >= t.lo_us and s.observed_at_us < t.hi_us
qualify
    s.generation
    = max(s.generation) over (partition by t.track, s.channel_key, s.observed_at_us)
order by t.track, s.observed_at_us
