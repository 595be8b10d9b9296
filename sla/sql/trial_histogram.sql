-- Put the counts that follow from a trial's rollups beside them, of every metric.
-- Grain: channel and rollup step. Inputs: none. Only for a store in memory; run once.
-- 4096 times the number of each metric: processors.buckets.DISTRIBUTIONS.
update rollup_parts
set latency_buckets = counted.buckets, latency_counts = counted.counts
from (
    select
        channel_key, start_s, list(4096 * metric + latency_bucket(value) order by metric) as buckets,
        list(1 order by metric) as counts
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
    group by channel_key, start_s
) as counted
where rollup_parts.channel_key = counted.channel_key and rollup_parts.start_s = counted.start_s
