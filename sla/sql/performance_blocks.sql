-- Exact sums of the whole hours that qualify, by channel (DESIGN 7.7), of many circuits at once.
-- Grain: question and channel. Inputs, parallel lists: ask_* (question, channel key); piece_*
-- (question, [from, to) in whole hours); first_* and last_*, what of keys and time is read. Pure.
with asks as materialized (
    select unnest($ask) as ask, unnest($ask_channel_key) as channel_key
),
pieces as materialized (
    select
        unnest($piece) as ask, unnest($piece_from_s) as from_s, unnest($piece_to_s) as to_s
)
select
    ask,
    channel_key,
    sum(latency_count) as latency_count,
    sum(latency_sum_us) as latency_sum_us,
    max(latency_max_us) as latency_max_us,
    sum(lost_count) as lost_count,
    sum(loss_count) as loss_count,
    sum(loss_sum_ppm) as loss_sum_ppm,
    max(loss_max_ppm) as loss_max_ppm,
    sum(jitter_count) as jitter_count,
    sum(jitter_sum_us) as jitter_sum_us,
    max(jitter_max_us) as jitter_max_us,
    sum(rx_count) as rx_count,
    sum(rx_sum_bps) as rx_sum_bps,
    max(rx_max_bps) as rx_max_bps,
    sum(tx_count) as tx_count,
    sum(tx_sum_bps) as tx_sum_bps,
    max(tx_max_bps) as tx_max_bps
from rollup_blocks
join asks using (channel_key)
join pieces using (ask)
where start_s >= from_s and start_s < to_s
    and start_s >= $first_s and start_s < $last_s
    and channel_key between $first_key and $last_key
group by ask, channel_key
