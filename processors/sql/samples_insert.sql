-- Append accepted samples.
-- Grain: sample. Inputs: new_samples (Arrow: SAMPLE_SCHEMA with channel_key). Not idempotent: the
-- writer has taken out what is there already.
insert into samples
select
    channel_key, observed_at_us, sequence, interval_us, latency_us, jitter_us, loss_ppm, rx_bps,
    tx_bps, bgp_state, bgp_transitions, probe, partition, "offset", index_in_message
from new_samples
