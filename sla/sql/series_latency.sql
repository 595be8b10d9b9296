-- Latency of some channels over time: p5, median and p95 by nearest rank of merged counts.
-- Grain: channel and bin that has a value; values are latency buckets. Inputs: as series_rollup.
with pieces as materialized (
    select unnest($owned_from_s) as from_s, unnest($owned_to_s) as to_s
),
counts as (
    select channel_key, (h.start_s - $start_s) // $step_s as bin, bucket, sum(count) as count
    from latency_histogram h
    asof join pieces p on h.start_s >= p.from_s
    where h.channel_key in (select unnest($channel_keys))
        and h.start_s >= $start_s and h.start_s < $end_s
        and h.start_s < p.to_s
    group by all
),
ranked as (
    select
        channel_key, bin, bucket,
        sum(count) over (partition by channel_key, bin order by bucket) as rank,
        sum(count) over (partition by channel_key, bin) as n
    from counts
)
select
    channel_key, bin,
    min(bucket) filter (where rank * 20 >= n) as low,
    min(bucket) filter (where rank * 2 >= n) as middle,
    min(bucket) filter (where rank * 20 >= n * 19) as high
from ranked
group by channel_key, bin
order by channel_key, bin
