-- One metric of some channels over time, from rollups.
-- Grain: channel and bin that has a value. Inputs: channel_keys; metric; [start, end), step; owned_*
-- (parallel lists): what of the time may be seen. Values are µs, ppm or bit/s.
-- low: the least minute mean; middle: the mean; high: the maximum of single samples. Pure.
with pieces as materialized (
    select unnest($owned_from_s) as from_s, unnest($owned_to_s) as to_s
),
steps as (
    select
        channel_key,
        (r.start_s - $start_s) // $step_s as bin,
        case $metric when 'jitter' then jitter_count when 'loss' then loss_count
            when 'throughput_rx' then rx_count else tx_count end as n,
        case $metric when 'jitter' then jitter_sum_us::hugeint when 'loss' then loss_sum_ppm::hugeint
            when 'throughput_rx' then rx_sum_bps else tx_sum_bps end as total,
        case $metric when 'jitter' then jitter_max_us when 'loss' then loss_max_ppm
            when 'throughput_rx' then rx_max_bps else tx_max_bps end as greatest
    from rollup_parts r
    asof join pieces p on r.start_s >= p.from_s
    where r.channel_key in (select unnest($channel_keys))
        and r.start_s >= $start_s and r.start_s < $end_s
        and r.start_s < p.to_s
)
select
    channel_key, bin,
    min(total::double / n) as low,
    sum(total)::double / sum(n)::double as middle,
    max(greatest)::double as high
from steps
where n > 0
group by channel_key, bin
order by channel_key, bin
