-- What was observed of the loss of watched channels, as it was rolled up.
-- Grain: part of a rollup step. Inputs: watched (Arrow: channel_key), [$first_s, $last_s) for zone
-- maps. Pure; in no order. Summed by the reader: a third of the time of a group by.
select
    channel_key, start_s, loss_count as observed, loss_sum_ppm as total,
    coalesce(loss_max_ppm, 0) as most, 0 as lost
from rollup_parts
where start_s >= $first_s and start_s < $last_s
    and channel_key in (select channel_key from watched)
