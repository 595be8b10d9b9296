-- Make rows for channels that have had nothing.
-- Grain: 4,096 channel keys. Inputs: begun (Arrow: first_key, observed_at_us_max). Idempotent.
insert into channel_seen
select first_key, observed_at_us_max
from begun
where first_key not in (select first_key from channel_seen)
