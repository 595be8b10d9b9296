-- Pending samples whose channel the inventory names by now, in the order they came.
-- Grain: sample. Inputs: pending, named (Arrow: circuit_id, channel). Reads only.
select
    circuit_id, channel, sequence, observed_at_us, interval_us, latency_us, jitter_us, loss_ppm,
    rx_bps, tx_bps, bgp_state, bgp_transitions, probe, partition, "offset", index_in_message,
    append_time_us
from pending
semi join named using (circuit_id, channel)
order by partition, "offset", index_in_message
