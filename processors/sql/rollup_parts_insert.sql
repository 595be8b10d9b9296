-- Append rollups of some samples; sums of bit/s come in halves of 32 bits.
-- Grain: channel, step and part. Inputs: new_parts (Arrow). Not idempotent.
insert into rollup_parts
select
    channel_key, start_s, samples, latency_count, latency_sum_us, latency_min_us, latency_max_us,
    lost_count, jitter_count, jitter_sum_us, jitter_max_us, loss_count, loss_sum_ppm, loss_max_ppm,
    rx_count, rx_sum_high::hugeint * 4294967296 + rx_sum_low, rx_max_bps,
    tx_count, tx_sum_high::hugeint * 4294967296 + tx_sum_low, tx_max_bps,
    latency_buckets, latency_counts
from new_parts
