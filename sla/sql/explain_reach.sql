-- How far back a sample of these channels may hold a cell, in microseconds.
-- Grain: one row. Inputs: channel_keys, a list. Pure.
select coalesce(max(interval_us_max), 0)
from channel_reach
where channel_key in (select unnest($channel_keys))
