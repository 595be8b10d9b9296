-- The rollups of a range of channels and one hour, a row a channel, with the circuit it belongs to:
-- the least key of its channels.
-- Grain: channel, by circuit and key. Inputs: channels; rollup_parts, latency_histogram in
-- [$from_s, $to_s) and the range of channels. Reads only. Steps are summed over their parts first:
-- the least mean of a minute does not depend on how polls were cut. latency_buckets holds what else
-- is counted by buckets, too: above 4096, other metrics begin (processors.buckets.DISTRIBUTIONS).
with steps as (
    select
        channel_key, start_s,
        sum(latency_count) as latency_count, sum(latency_sum_us) as latency_sum_us,
        max(latency_max_us) as latency_max_us, sum(lost_count) as lost_count,
        sum(jitter_count) as jitter_count, sum(jitter_sum_us) as jitter_sum_us,
        max(jitter_max_us) as jitter_max_us,
        sum(loss_count) as loss_count, sum(loss_sum_ppm) as loss_sum_ppm,
        max(loss_max_ppm) as loss_max_ppm,
        sum(rx_count) as rx_count, sum(rx_sum_bps) as rx_sum_bps, max(rx_max_bps) as rx_max_bps,
        sum(tx_count) as tx_count, sum(tx_sum_bps) as tx_sum_bps, max(tx_max_bps) as tx_max_bps
    from rollup_parts
    where
        start_s >= $from_s and start_s < $to_s
        and channel_key >= $first_channel_key and channel_key <= $last_channel_key
    group by channel_key, start_s
),

sums as (
    select
        channel_key,
        sum(latency_count) as latency_count, sum(latency_sum_us) as latency_sum_us,
        max(latency_max_us) as latency_max_us, sum(lost_count) as lost_count,
        sum(jitter_count) as jitter_count, sum(jitter_sum_us) as jitter_sum_us,
        max(jitter_max_us) as jitter_max_us,
        min(jitter_sum_us::double / nullif(jitter_count, 0)) as jitter_low_us,
        sum(loss_count) as loss_count, sum(loss_sum_ppm) as loss_sum_ppm,
        max(loss_max_ppm) as loss_max_ppm,
        min(loss_sum_ppm::double / nullif(loss_count, 0)) as loss_low_ppm,
        sum(rx_count) as rx_count, sum(rx_sum_bps) as rx_sum_bps, max(rx_max_bps) as rx_max_bps,
        min(rx_sum_bps::double / nullif(rx_count, 0)) as rx_low_bps,
        sum(tx_count) as tx_count, sum(tx_sum_bps) as tx_sum_bps, max(tx_max_bps) as tx_max_bps,
        min(tx_sum_bps::double / nullif(tx_count, 0)) as tx_low_bps
    from steps
    group by channel_key
),

counts as (
    select channel_key, bucket, sum(count)::bigint as count
    from latency_histogram
    where
        start_s >= $from_s and start_s < $to_s
        and channel_key >= $first_channel_key and channel_key <= $last_channel_key
    group by channel_key, bucket
),

histograms as (
    select
        channel_key,
        list(bucket order by bucket) as buckets,
        list(count order by bucket) as counts
    from counts
    group by channel_key
),

circuits as (
    select circuit_id, min(channel_key) as circuit_key
    from channels
    group by circuit_id
)

select
    circuits.circuit_key, channel_key, $from_s as start_s,
    latency_count::bigint as latency_count, latency_sum_us::bigint as latency_sum_us,
    latency_max_us, lost_count::bigint as lost_count,
    jitter_count::bigint as jitter_count, jitter_sum_us::bigint as jitter_sum_us,
    jitter_max_us, coalesce(jitter_low_us, 'nan'::double) as jitter_low_us,
    loss_count::bigint as loss_count, loss_sum_ppm::bigint as loss_sum_ppm,
    loss_max_ppm, coalesce(loss_low_ppm, 'nan'::double) as loss_low_ppm,
    rx_count::bigint as rx_count, (rx_sum_bps // 4294967296)::bigint as rx_sum_high,
    (rx_sum_bps % 4294967296)::bigint as rx_sum_low, rx_max_bps,
    coalesce(rx_low_bps, 'nan'::double) as rx_low_bps,
    tx_count::bigint as tx_count, (tx_sum_bps // 4294967296)::bigint as tx_sum_high,
    (tx_sum_bps % 4294967296)::bigint as tx_sum_low, tx_max_bps,
    coalesce(tx_low_bps, 'nan'::double) as tx_low_bps,
    coalesce(buckets, []) as latency_buckets, coalesce(counts, []) as latency_counts
from sums
left join histograms using (channel_key)
join channels using (channel_key)
join circuits using (circuit_id)
order by circuit_key, channel_key
