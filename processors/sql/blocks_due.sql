-- The hours that are to be made again, the first $rows_max. Grain: channel and hour. Reads only.
select distinct channel_key, start_s
from rollup_blocks_due
order by start_s, channel_key
limit $rows_max
