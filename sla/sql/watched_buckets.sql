-- Latencies of watched channels by bucket, as they were rolled up.
-- Grain: part of a rollup step. Inputs: watched (Arrow: channel_key), [$first_s, $last_s) for zone
-- maps. Pure; in no order. Lists as they lie: unnested, each bucket brings its key and start.
select channel_key, start_s, latency_buckets as buckets, latency_counts as counts
from rollup_parts
where start_s >= $first_s and start_s < $last_s
    and channel_key in (select channel_key from watched)
