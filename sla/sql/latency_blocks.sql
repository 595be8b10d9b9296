-- Latency counts of some channels, a row an hour, from the blocks of whole hours.
-- Grain: channel and hour. Inputs: as series_blocks, without bins. Pure.
with pieces as materialized (
    select unnest($from_s) as from_s, unnest($to_s) as to_s
)
select channel_key, b.start_s, latency_buckets as buckets, latency_counts as counts
from rollup_blocks b
join pieces p on b.start_s >= p.from_s and b.start_s < p.to_s
where channel_key between $first_key and $last_key
    and list_contains($channel_keys, channel_key)
    and b.start_s >= $first_s and b.start_s < $last_s
