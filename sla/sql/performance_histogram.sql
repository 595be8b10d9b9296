-- Merged counts of the rollup steps that qualify, by channel (DESIGN 7.7).
-- Grain: question, channel and bucket, of latency and what else is kept. Inputs: as for performance_totals. Pure.
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
select ask, channel_key, bucket, sum(count) as count
from latency_histogram
join asks using (channel_key)
anti join skipped using (ask, start_s)
where start_s between $first_s and $last_s
    and start_s between asks.first_s and asks.last_s
group by ask, channel_key, bucket
order by ask, channel_key, bucket
