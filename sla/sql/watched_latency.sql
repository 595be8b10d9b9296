-- What was observed of the latency of watched channels, as it was rolled up.
-- Grain: part of a rollup step. Inputs: watched (Arrow: channel_key), [$first_s, $last_s) for zone
-- maps. Pure; in no order. Summed by the reader: a third of the time of a group by.
select
    channel_key, start_s, latency_count as observed, latency_sum_us as total,
    coalesce(latency_max_us, 0) as most, lost_count as lost
from rollup_parts
where start_s >= $first_s and start_s < $last_s
    and channel_key in (select channel_key from watched)
