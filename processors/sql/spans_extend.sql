-- Move the end of open spans.
-- Grain: span. Inputs: extended (Arrow: channel_key, start_s, end_s), $first_day: the earliest day
-- of them, for zone maps. Idempotent.
update spans
set end_s = extended.end_s
from extended
where spans.channel_key = extended.channel_key
    and spans.start_s = extended.start_s
    and spans.day >= $first_day
