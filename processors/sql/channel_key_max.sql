-- The greatest key of a channel, about as many as there are; 0: none is registered.
-- Grain: one row. Inputs: channels. Reads only.
select coalesce(max(channel_key), 0)
from channels
