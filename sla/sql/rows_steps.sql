-- What rollup steps of some channels hold, as it lies.
-- Grain: row of rollup_parts. Inputs: as rows_blocks, the ranges in whole steps. Pure; in no order.
with pieces as materialized (
    select unnest($from_s) as from_s, unnest($to_s) as to_s
)
select
    channel_key, r.start_s, latency_count, latency_sum_us, latency_max_us, lost_count,
    jitter_count, jitter_sum_us, jitter_max_us, loss_count, loss_sum_ppm, loss_max_ppm,
    rx_count, rx_sum_high, rx_sum_low, rx_max_bps, tx_count, tx_sum_high, tx_sum_low, tx_max_bps,
    latency_buckets, latency_counts
from rollup_halves r
join pieces p on r.start_s >= p.from_s and r.start_s < p.to_s
where channel_key between $first_key and $last_key
    and list_contains($channel_keys, channel_key)
    and r.start_s >= $first_s and r.start_s < $last_s
