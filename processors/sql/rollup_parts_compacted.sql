-- Rollups of a range of channels and time, one row a step, sorted so that a channel lies together.
-- Grain: channel and step. Inputs: rollup_parts. Reads only.
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
from rollup_parts
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
group by all
order by channel_key, start_s
