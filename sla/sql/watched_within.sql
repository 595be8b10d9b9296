-- How many latencies of watched channels lie within a percentile's limit, in complete steps.
-- Grain: channel and slot that have any. Inputs: watched_limits (Arrow: channel_key, slot,
-- bucket_max, from_s, to_s), first_s and last_s as for watched_totals. Pure.
select channel_key, slot, sum(count)::bigint as count
from latency_histogram
join watched_limits using (channel_key)
where start_s >= $first_s and start_s < $last_s and start_s >= from_s and start_s < to_s
    and bucket <= bucket_max
group by channel_key, slot
