-- Hours of some channels that are to be made again. Grain: hour. Reads only.
select distinct start_s
from rollup_blocks_due
where list_contains($channel_keys, channel_key)
