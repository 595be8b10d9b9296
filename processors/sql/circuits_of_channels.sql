-- Whose channels a range is.
-- Grain: channel. Inputs: channels. Reads only.
select channel_key, circuit_id
from channels
where channel_key >= $first_channel_key and channel_key <= $last_channel_key
order by channel_key
