-- Merged counts of the whole hours that qualify, by channel (DESIGN 7.7).
-- Grain: question, channel and bucket. Inputs: as for performance_blocks. Pure.
with asks as materialized (
    select unnest($ask) as ask, unnest($ask_channel_key) as channel_key
),
pieces as materialized (
    select
        unnest($piece) as ask, unnest($piece_from_s) as from_s, unnest($piece_to_s) as to_s
),
counts as (
    select ask, channel_key, unnest(latency_buckets) as bucket, unnest(latency_counts) as count
    from rollup_blocks
    join asks using (channel_key)
    join pieces using (ask)
    where start_s >= from_s and start_s < to_s
        and start_s >= $first_s and start_s < $last_s
        and channel_key between $first_key and $last_key
)
select ask, channel_key, bucket, sum(count)::bigint as count
from counts
group by ask, channel_key, bucket
