-- Exact sums of the rollup steps that qualify, by channel (DESIGN 7.7).
-- Grain: channel. Inputs: channel_keys, and piece_* (parallel lists): [from, to) in which a step
-- must start, cut to whole steps beforehand; disjoint. Pure.
with pieces as materialized (
    select unnest($piece_from_s) as from_s, unnest($piece_to_s) as to_s
)
select
    channel_key,
    sum(latency_count) as latency_count,
    sum(latency_sum_us) as latency_sum_us,
    max(latency_max_us) as latency_max_us,
    sum(lost_count) as lost_count,
    sum(loss_count) as loss_count,
    sum(loss_sum_ppm) as loss_sum_ppm,
    max(loss_max_ppm) as loss_max_ppm
from rollup_parts r
asof join pieces p on r.start_s >= p.from_s
where r.channel_key in (select unnest($channel_keys))
    and r.start_s between $first_s and $last_s
    and r.start_s < p.to_s
group by channel_key
order by channel_key
