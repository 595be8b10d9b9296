-- The greatest observed_at of channels, packed.
-- Grain: 4,096 channel keys. Inputs: channel_seen, $first_key and $last_key, of rows. Reads only.
select first_key, observed_at_us_max
from channel_seen
where first_key between $first_key and $last_key
