-- Take out of pending what is fed again in this transaction.
-- Grain: sample. Inputs: named (Arrow: circuit_id, channel). Idempotent.
delete from pending
using named
where pending.circuit_id = named.circuit_id and pending.channel = named.channel
