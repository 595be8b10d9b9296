-- Rollups of a range of channels and time, folded: one row a piece, one a step outside all pieces.
-- Grain: channel and piece or step, which starts where the piece does. Inputs: rollup_parts; pieces
-- (Arrow: channel_key, from_s, to_s; apart from each other). Reads only.
with parts as (
    select
        r.* exclude (start_s),
        case when r.start_s < p.to_s then p.from_s else r.start_s end as start_s
    from rollup_parts as r
    asof left join pieces as p on r.channel_key = p.channel_key and r.start_s >= p.from_s
    where
        r.start_s >= $from_s and r.start_s < $to_s
        and r.channel_key >= $first_channel_key and r.channel_key <= $last_channel_key
)

select
    channel_key,
    start_s,
    sum(samples)::bigint as samples,
    sum(latency_count)::bigint as latency_count,
    sum(latency_sum_us)::bigint as latency_sum_us,
    min(latency_min_us) as latency_min_us,
    max(latency_max_us) as latency_max_us,
    sum(lost_count)::bigint as lost_count,
    sum(jitter_count)::bigint as jitter_count,
    sum(jitter_sum_us)::bigint as jitter_sum_us,
    max(jitter_max_us) as jitter_max_us,
    sum(loss_count)::bigint as loss_count,
    sum(loss_sum_ppm)::bigint as loss_sum_ppm,
    max(loss_max_ppm) as loss_max_ppm,
    sum(rx_count)::bigint as rx_count,
    sum(rx_sum_bps)::hugeint as rx_sum_bps,
    max(rx_max_bps) as rx_max_bps,
    sum(tx_count)::bigint as tx_count,
    sum(tx_sum_bps)::hugeint as tx_sum_bps,
    max(tx_max_bps) as tx_max_bps
from parts
group by all
order by channel_key, start_s
