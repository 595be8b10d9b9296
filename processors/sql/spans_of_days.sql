-- Spans of channel-days.
-- Grain: span. Inputs: channel_days (Arrow: track, channel_key, day), spans in [$first_day,
-- $last_day] for zone maps. Reads only.
select t.track, s.start_s, s.end_s, s.bgp, coalesce(s.loss_class::integer, -1) as loss_class
from spans as s
inner join channel_days as t on s.channel_key = t.channel_key and s.day = t.day
where s.day between $first_day and $last_day
order by t.track, s.start_s
