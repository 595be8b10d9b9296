-- Store how far channels are.
-- Grain: channel. Inputs: progressed (Arrow: channel_key, observed_at_us_max, folded_to_s).
-- Idempotent.
update channel_progress
set observed_at_us_max = progressed.observed_at_us_max, folded_to_s = progressed.folded_to_s
from progressed
where channel_progress.channel_key = progressed.channel_key
