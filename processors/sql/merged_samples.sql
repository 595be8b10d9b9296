-- Samples of several files as one: of two with one key the higher generation stands.
-- Grain: sample. Inputs: merged (Arrow: MOVED_SCHEMA). Reads only.
select *
from merged
qualify row_number() over (partition by channel_key, observed_at_us order by generation desc) = 1
order by channel_key, observed_at_us
