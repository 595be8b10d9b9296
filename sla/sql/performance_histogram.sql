-- Merged latency counts of the rollup steps that qualify, by channel (DESIGN 7.7).
-- Grain: channel and latency bucket. Inputs: as for performance_totals. Pure.
with pieces as materialized (
    select unnest($piece_from_s) as from_s, unnest($piece_to_s) as to_s
)
select channel_key, bucket, sum(count) as count
from latency_histogram h
asof join pieces p on h.start_s >= p.from_s
where h.channel_key in (select unnest($channel_keys))
    and h.start_s between $first_s and $last_s
    and h.start_s < p.to_s
group by channel_key, bucket
order by channel_key, bucket
