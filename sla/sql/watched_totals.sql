-- What was observed of watched channels in rollup steps that are complete now, exact.
-- Grain: channel. Inputs: watched (Arrow: channel_key, from_s, to_s: [from, to) in whole steps),
-- first_s and last_s, [first, last) of all, for zone maps. Pure.
select
    channel_key,
    sum(latency_count)::bigint as latency_count,
    sum(latency_sum_us)::bigint as latency_sum,
    coalesce(max(latency_max_us), 0)::bigint as latency_max,
    sum(lost_count)::bigint as lost_count,
    sum(loss_count)::bigint as loss_count,
    sum(loss_sum_ppm)::bigint as loss_sum,
    coalesce(max(loss_max_ppm), 0)::bigint as loss_max,
    sum(jitter_count)::bigint as jitter_count,
    sum(jitter_sum_us)::bigint as jitter_sum,
    coalesce(max(jitter_max_us), 0)::bigint as jitter_max
from rollup_parts
join watched using (channel_key)
where start_s >= $first_s and start_s < $last_s and start_s >= from_s and start_s < to_s
group by channel_key
