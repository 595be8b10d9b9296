-- Write down how far channels are, before anything changes that this follows from: the partition of a
-- channel, or the topic.
-- Grain: channel. Inputs: channel_stands. Idempotent.
update channel_progress
set folded_to_s = channel_stands.folded_to_s
from channel_stands
where channel_progress.channel_key = channel_stands.channel_key
    and channel_progress.folded_to_s < channel_stands.folded_to_s
