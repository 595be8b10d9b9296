-- Channels with samples that cells beyond folded_to_s may need, and where these lie.
-- Grain: channel. Inputs: channel_progress, channel_reach. Reads only.
-- A channel that was folded past its last sample and what that can hold needs nothing.
select
    p.channel_key, p.folded_to_s * 1000000 as folded_to_us,
    p.folded_to_s * 1000000 - coalesce(r.interval_us_max, 0) as lo_us,
    p.observed_at_us_max + 1 as hi_us
from channel_progress as p
left join channel_reach as r on p.channel_key = r.channel_key
where p.observed_at_us_max >= p.folded_to_s * 1000000 - coalesce(r.interval_us_max, 0)
