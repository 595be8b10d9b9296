-- Store the greatest interval of channels: how far a look-back for held cells must go.
-- Grain: channel. Inputs: reaching (Arrow: channel_key, interval_us_max). Idempotent.
insert or replace into channel_reach
select channel_key, interval_us_max
from reaching
