-- Begin the progress of new channels.
-- Grain: channel. Inputs: begun (Arrow: channel_key, folded_to_s). Idempotent.
insert or ignore into channel_progress
select channel_key, -1, folded_to_s
from begun
