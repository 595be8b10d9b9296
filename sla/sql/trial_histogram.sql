-- Put the counts that follow from a trial's rollups into the histogram, of every metric.
-- Grain: channel, rollup step and bucket. Inputs: none. Only for a store in memory; run once.
-- 4096 times the number of each metric: processors.buckets.DISTRIBUTIONS.
insert into latency_histogram
select channel_key, start_s, 4096 * metric + latency_bucket(value), 1
from (
    unpivot (
        select
            channel_key, start_s, latency_max_us::bigint as "0", jitter_max_us::bigint as "1",
            loss_max_ppm::bigint as "2", rx_max_bps as "3", tx_max_bps as "4"
        from rollup_parts
    )
    on "0", "1", "2", "3", "4"
    into name metric_name value value
),
    lateral (select metric_name::integer as metric)
