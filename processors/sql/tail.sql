-- Samples that cells beyond folded_to_s may need: those that start there, and those that reach there.
-- Grain: sample. Inputs: needs (Arrow: channel_key, folded_to_us, lo_us, hi_us), samples and moved
-- (the Parquet files that may hold some) in [$first_us, $last_us) for zone maps. Reads only.
with kept as (
    select
        channel_key, observed_at_us, interval_us, latency_us, loss_ppm, bgp_state,
        9223372036854775807 as generation
    from samples
    where observed_at_us >= $first_us and observed_at_us < $last_us
    union all by name
    select
        channel_key, observed_at_us, interval_us, latency_us, loss_ppm, bgp_state, generation
    from moved
    where observed_at_us >= $first_us and observed_at_us < $last_us
),

standing as (
    select s.*, n.folded_to_us
    from kept as s
    inner join needs as n
        on
            s.channel_key = n.channel_key
            and s.observed_at_us >= n.lo_us
            and s.observed_at_us < n.hi_us
    qualify
        s.generation = max(s.generation) over (partition by s.channel_key, s.observed_at_us)
)

select channel_key, observed_at_us, interval_us, latency_us, loss_ppm, bgp_state
from standing
where observed_at_us >= folded_to_us or observed_at_us + interval_us > folded_to_us
order by channel_key, observed_at_us
