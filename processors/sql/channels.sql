-- All channels ever registered.
-- Grain: channel. Inputs: channels. Reads only.
select channel_key, circuit_id, channel, partition, grid_seconds, active_from_s, active_to_s
from channels
order by channel_key
