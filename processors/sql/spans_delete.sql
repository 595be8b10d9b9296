-- Take out the spans of channel-days that are computed again.
-- Grain: span. Inputs: channel_days (Arrow: channel_key, day), $first_day and $last_day for zone
-- maps. Idempotent.
delete from spans
using channel_days
where spans.channel_key = channel_days.channel_key
    and spans.day = channel_days.day
    and spans.day between $first_day and $last_day
