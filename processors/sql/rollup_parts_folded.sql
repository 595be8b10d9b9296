-- Rollups of a range of channels and time, those of a piece where it starts; else as for compaction.
-- Grain: row of rollup_parts. Inputs: rollup_parts; pieces (Arrow: channel_key, from_s, to_s; apart
-- from each other). Reads only; in no order.
select
    r.channel_key, case when r.start_s < p.to_s then p.from_s else r.start_s end as start_s,
    samples, latency_count, latency_sum_us, latency_min_us, latency_max_us, lost_count,
    jitter_count, jitter_sum_us, jitter_max_us, loss_count, loss_sum_ppm, loss_max_ppm,
    rx_count, (rx_sum_bps // 4294967296)::bigint as rx_sum_high,
    (rx_sum_bps % 4294967296)::bigint as rx_sum_low, rx_max_bps,
    tx_count, (tx_sum_bps // 4294967296)::bigint as tx_sum_high,
    (tx_sum_bps % 4294967296)::bigint as tx_sum_low, tx_max_bps,
    latency_buckets, latency_counts
from rollup_parts as r
asof left join pieces as p on r.channel_key = p.channel_key and r.start_s >= p.from_s
where
    r.start_s >= $from_s and r.start_s < $to_s
    and r.channel_key >= $first_channel_key and r.channel_key <= $last_channel_key
