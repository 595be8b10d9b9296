-- Store the greatest observed_at of channels, packed.
-- Grain: 4,096 channel keys. Inputs: seen (Arrow: first_key, observed_at_us_max). Idempotent.
update channel_seen
set observed_at_us_max = seen.observed_at_us_max
from seen
where channel_seen.first_key = seen.first_key
