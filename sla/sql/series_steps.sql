-- All metrics of some channels over time but latency, from rollup steps.
-- Grain: channel and bin that has any step. Inputs: as series_blocks, the ranges in whole steps.
-- Parts of a step are summed first: the least minute mean does not depend on how polls were cut.
with pieces as materialized (
    select unnest($from_s) as from_s, unnest($to_s) as to_s
),
steps as (
    select
        channel_key, r.start_s,
        sum(jitter_count) as jitter_count, sum(jitter_sum_us) as jitter_sum,
        max(jitter_max_us) as jitter_max,
        sum(loss_count) as loss_count, sum(loss_sum_ppm) as loss_sum, max(loss_max_ppm) as loss_max,
        sum(rx_count) as rx_count, sum(rx_sum_bps) as rx_sum, max(rx_max_bps) as rx_max,
        sum(tx_count) as tx_count, sum(tx_sum_bps) as tx_sum, max(tx_max_bps) as tx_max
    from rollup_parts r
    join pieces p on r.start_s >= p.from_s and r.start_s < p.to_s
    where channel_key between $first_key and $last_key
        and list_contains($channel_keys, channel_key)
        and r.start_s >= $first_s and r.start_s < $last_s
    group by channel_key, r.start_s
)
select
    channel_key,
    (start_s - $start_s) // $step_s as bin,
    min(jitter_sum::double / nullif(jitter_count, 0)::double),
    sum(jitter_sum)::hugeint, sum(jitter_count)::hugeint, max(jitter_max),
    min(loss_sum::double / nullif(loss_count, 0)::double),
    sum(loss_sum)::hugeint, sum(loss_count)::hugeint, max(loss_max),
    min(rx_sum::double / nullif(rx_count, 0)::double),
    sum(rx_sum)::hugeint, sum(rx_count)::hugeint, max(rx_max),
    min(tx_sum::double / nullif(tx_count, 0)::double),
    sum(tx_sum)::hugeint, sum(tx_count)::hugeint, max(tx_max)
from steps
group by channel_key, bin
