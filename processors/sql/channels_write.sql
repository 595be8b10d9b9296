-- Insert new channels, update changed ones.
-- Grain: channel. Inputs: changed_channels (Arrow). Idempotent.
insert or replace into channels
select channel_key, circuit_id, channel, partition, grid_seconds, active_from_s, active_to_s
from changed_channels
