-- All metrics of some channels over time but latency, from the blocks of whole hours.
-- Grain: channel and bin that has any block. Inputs: channel_keys, first_key and last_key of them;
-- [start, end), step; from_s and to_s (parallel lists): the ranges of whole hours that are read.
-- Values are µs, ppm or bit/s. low: the least minute mean; total and count: of the mean; high: the
-- greatest single sample. Pure.
with pieces as materialized (
    select unnest($from_s) as from_s, unnest($to_s) as to_s
)
select
    channel_key,
    (b.start_s - $start_s) // $step_s as bin,
    min(jitter_low_us), sum(jitter_sum_us)::hugeint, sum(jitter_count)::hugeint, max(jitter_max_us),
    min(loss_low_ppm), sum(loss_sum_ppm)::hugeint, sum(loss_count)::hugeint, max(loss_max_ppm),
    min(rx_low_bps), sum(rx_sum_bps)::hugeint, sum(rx_count)::hugeint, max(rx_max_bps),
    min(tx_low_bps), sum(tx_sum_bps)::hugeint, sum(tx_count)::hugeint, max(tx_max_bps)
from rollup_blocks b
join pieces p on b.start_s >= p.from_s and b.start_s < p.to_s
where channel_key between $first_key and $last_key
    and list_contains($channel_keys, channel_key)
    and b.start_s >= $first_s and b.start_s < $last_s
group by channel_key, bin
