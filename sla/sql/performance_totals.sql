-- Exact sums of the rollup steps that qualify, by channel (DESIGN 7.7), of many circuits at once.
-- Grain: question and channel. Inputs, parallel lists: ask_* (question, channel key, first and last
-- step); gap_* (question, [from, to) within that does not qualify, in whole steps); first_s and
-- last_s, the first and the last step of all, for zone maps. Pure.
-- Gaps are few: a hash of their steps is probed (an asof join with what qualifies sorted all rows:
-- 145 ms for a month of four channels; this: 14 ms).
with asks as materialized (
    select
        unnest($ask) as ask, unnest($ask_channel_key) as channel_key,
        unnest($ask_first_s) as first_s, unnest($ask_last_s) as last_s
),
gaps as (
    select
        unnest($gap) as ask, unnest($gap_from_s) as from_s, unnest($gap_to_s) as to_s,
        unnest($gap_step_s) as step_s
),
skipped as materialized (
    select ask, unnest(range(from_s, to_s, step_s)) as start_s from gaps
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
    max(jitter_max_us) as jitter_max_us
from rollup_parts
join asks using (channel_key)
anti join skipped using (ask, start_s)
where start_s between $first_s and $last_s
    and start_s between asks.first_s and asks.last_s
group by ask, channel_key
order by ask, channel_key
