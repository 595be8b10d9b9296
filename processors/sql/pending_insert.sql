-- Keep samples of channels the inventory does not name yet.
-- Grain: sample. Inputs: unknown_samples (Arrow: SAMPLE_SCHEMA). Not idempotent.
insert into pending
select
    circuit_id, channel, sequence, observed_at_us, interval_us, latency_us, jitter_us, loss_ppm,
    rx_bps, tx_bps, bgp_state, bgp_transitions, probe, partition, "offset", index_in_message,
    append_time_us
from unknown_samples
