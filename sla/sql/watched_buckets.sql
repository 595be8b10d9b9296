-- Latencies of watched channels by bucket, as they were rolled up.
-- Grain: bucket of a part of a rollup step. Inputs: watched (Arrow: channel_key), [$first_s,
-- $last_s) for zone maps. Pure; in no order.
select channel_key, start_s, bucket, count
from latency_histogram
where start_s >= $first_s and start_s < $last_s
    and channel_key in (select channel_key from watched)
