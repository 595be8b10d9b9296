-- What rollup steps of some channels hold, as it lies.
-- Grain: row of rollup_parts of channels from $first_key to $last_key that starts in [$from_s, $to_s).
-- Inputs: rollup_parts. Pure; in no order. Sums of bit/s in halves, by shifts: to divide 128 bits
-- takes longer than to read them.
select
    channel_key, start_s, latency_count, latency_sum_us, latency_max_us, lost_count,
    jitter_count, jitter_sum_us, jitter_max_us, loss_count, loss_sum_ppm, loss_max_ppm,
    rx_count, (rx_sum_bps >> 32)::bigint as rx_sum_high,
    (rx_sum_bps & 4294967295)::bigint as rx_sum_low, rx_max_bps,
    tx_count, (tx_sum_bps >> 32)::bigint as tx_sum_high,
    (tx_sum_bps & 4294967295)::bigint as tx_sum_low, tx_max_bps,
    latency_buckets, latency_counts
from rollup_parts
where channel_key between $first_key and $last_key
    and start_s >= $from_s and start_s < $to_s
