-- Latency counts of some channels from rollup steps.
-- Grain: channel, step, bucket and part. Inputs: as latency_blocks, the ranges in whole steps. Pure.
with pieces as materialized (
    select unnest($from_s) as from_s, unnest($to_s) as to_s
)
select channel_key, h.start_s, bucket, count
from latency_histogram h
join pieces p on h.start_s >= p.from_s and h.start_s < p.to_s
where channel_key between $first_key and $last_key
    and list_contains($channel_keys, channel_key)
    and h.start_s >= $first_s and h.start_s < $last_s
    and bucket < 4096  -- above it other metrics begin
