-- Judge samples that may have been there before, in the order they came.
-- Grain: row of suspects. Inputs: suspects (Arrow: position, channel_key, observed_at_us, sequence
-- and what was measured), samples and moved (the Parquet files that may hold some) in [$first_us,
-- $last_us] for zone maps. Reads only. Of two stored with one key the higher generation stands.
-- Highest sequence wins, then the smallest hash of what was measured (DESIGN 6): the least
-- `standing`, with the sequence's bits turned over. before: what stood when the row came.
with kept as (
    select
        channel_key, observed_at_us, sequence, interval_us, latency_us, jitter_us, loss_ppm, rx_bps,
        tx_bps, bgp_state, bgp_transitions, probe, 9223372036854775807 as generation
    from samples
    where observed_at_us between $first_us and $last_us
    union all by name
    select
        channel_key, observed_at_us, sequence, interval_us, latency_us, jitter_us, loss_ppm, rx_bps,
        tx_bps, bgp_state, bgp_transitions, probe, generation
    from moved
    where observed_at_us between $first_us and $last_us
),

stored as (
    select -1 as position, s.* exclude (generation)
    from kept as s
    semi join suspects as w
        on s.channel_key = w.channel_key and s.observed_at_us = w.observed_at_us
    qualify
        s.generation = max(s.generation) over (partition by s.channel_key, s.observed_at_us)
),

arrivals as (
    select
        position, channel_key, observed_at_us, interval_us,
        {
            'sequence': ~sequence,
            'content': md5(
                concat_ws(
                    '|', interval_us, coalesce(latency_us::varchar, ''),
                    coalesce(jitter_us::varchar, ''), coalesce(loss_ppm::varchar, ''),
                    coalesce(rx_bps::varchar, ''), coalesce(tx_bps::varchar, ''), bgp_state,
                    coalesce(bgp_transitions::varchar, ''), probe is null, coalesce(probe, '')
                )
            )
        } as standing
    from (select * from stored union all by name select * from suspects)
),

judged as (
    select
        *,
        min(standing) over (
            same order by position rows between unbounded preceding and 1 preceding
        ) as before,
        first_value(position) over (same order by standing, position) as winner,
        min(standing) filter (where position = -1) over (same) as stored_standing,
        max(interval_us) filter (where position = -1) over (same) as stored_interval_us
    from arrivals
    window same as (partition by channel_key, observed_at_us)
)

select
    position,
    before is null as is_new,
    coalesce(before.content = standing.content, false) as is_duplicate,
    winner = position as wins,
    stored_standing is not null as replaces,
    coalesce(stored_standing.content <> standing.content, false) as changes,
    coalesce(stored_interval_us, 0) as stored_interval_us
from judged
where position >= 0
order by position
