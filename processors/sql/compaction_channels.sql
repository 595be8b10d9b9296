-- How many rollups channels from $first_channel_key to $last_channel_key have in a range of time.
-- Grain: channel that has some, in order. Inputs: rollup_parts. Reads only.
select channel_key, count(*) as rows
from rollup_parts
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
group by channel_key
order by channel_key
