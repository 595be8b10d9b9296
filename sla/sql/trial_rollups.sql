-- Put a trial's measurements of a channel into rollups: one observation a step.
-- Grain: rollup step. Inputs: channel_key, step_s; from_s, to_s, latency_us, jitter_us, loss_ppm,
-- rx_bps, tx_bps (parallel lists; null: not measured then). Only for a store in memory; not idempotent.
insert into rollup_parts
select
    $channel_key,
    start_s,
    1,
    (latency_us is not null)::bigint, coalesce(latency_us, 0), latency_us, latency_us,
    (latency_us is null and loss_ppm is not null)::bigint,
    (jitter_us is not null)::bigint, coalesce(jitter_us, 0), jitter_us,
    (loss_ppm is not null)::bigint, coalesce(loss_ppm, 0), loss_ppm,
    (rx_bps is not null)::bigint, coalesce(rx_bps, 0), rx_bps,
    (tx_bps is not null)::bigint, coalesce(tx_bps, 0), tx_bps,
    null, null
from (
    select
        unnest($from_s) as from_s,
        unnest($to_s) as to_s,
        unnest($latency_us) as latency_us,
        unnest($jitter_us) as jitter_us,
        unnest($loss_ppm) as loss_ppm,
        unnest($rx_bps) as rx_bps,
        unnest($tx_bps) as tx_bps
),
    unnest(range(from_s, to_s, $step_s)) as steps(start_s)
