-- Merged latency counts of the rollup steps that qualify, by channel (DESIGN 7.7).
-- Grain: channel and latency bucket. Inputs: as for performance_totals. Pure.
with gaps as (
    select unnest($gap_from_s) as from_s, unnest($gap_to_s) as to_s
),
skipped as materialized (
    select unnest(range(from_s, to_s, $step_s)) as start_s from gaps
)
select channel_key, bucket, sum(count) as count
from latency_histogram
anti join skipped using (start_s)
where channel_key in (select unnest($channel_keys))
    and start_s between $first_s and $last_s
group by channel_key, bucket
order by channel_key, bucket
