-- What whole hours of some channels hold, as it lies.
-- Grain: channel and hour. Inputs: channel_keys, first_key and last_key of them; from_s and to_s
-- (parallel lists): the ranges of whole hours; first_s and last_s, what they lie in. Pure; in no order.
with pieces as materialized (
    select unnest($from_s) as from_s, unnest($to_s) as to_s
)
select
    channel_key, b.start_s, latency_count, latency_sum_us, latency_max_us, lost_count,
    jitter_count, jitter_sum_us, jitter_max_us, jitter_low_us,
    loss_count, loss_sum_ppm, loss_max_ppm, loss_low_ppm,
    rx_count, (rx_sum_bps // 4294967296)::bigint as rx_sum_high,
    (rx_sum_bps % 4294967296)::bigint as rx_sum_low, rx_max_bps, rx_low_bps,
    tx_count, (tx_sum_bps // 4294967296)::bigint as tx_sum_high,
    (tx_sum_bps % 4294967296)::bigint as tx_sum_low, tx_max_bps, tx_low_bps,
    latency_buckets, latency_counts
from rollup_blocks b
join pieces p on b.start_s >= p.from_s and b.start_s < p.to_s
where channel_key between $first_key and $last_key
    and list_contains($channel_keys, channel_key)
    and b.start_s >= $first_s and b.start_s < $last_s
