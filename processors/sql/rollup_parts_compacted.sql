-- Rollups of a range of channels and time, to be summed by step; sums of bit/s in halves of 32 bits.
-- Grain: row of rollup_parts. Inputs: rollup_parts. Reads only; in no order.
select
    channel_key, start_s,
    samples, latency_count, latency_sum_us, latency_min_us, latency_max_us, lost_count,
    jitter_count, jitter_sum_us, jitter_max_us, loss_count, loss_sum_ppm, loss_max_ppm,
    rx_count, (rx_sum_bps // 4294967296)::bigint as rx_sum_high,
    (rx_sum_bps % 4294967296)::bigint as rx_sum_low, rx_max_bps,
    tx_count, (tx_sum_bps // 4294967296)::bigint as tx_sum_high,
    (tx_sum_bps % 4294967296)::bigint as tx_sum_low, tx_max_bps,
    latency_buckets, latency_counts
from rollup_parts
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
