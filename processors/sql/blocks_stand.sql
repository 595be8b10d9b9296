-- How far blocks are made and minutes folded, by name; and, without one, hours of some channels that
-- are to be made again. Grain: number. Inputs: housekeeping, rollup_blocks_due, channel_keys (a
-- list). Reads only.
select name, value
from housekeeping
where name in ('blocked_to_s', 'folded_to_s')
union all
select distinct '' as name, start_s as value
from rollup_blocks_due
where list_contains($channel_keys, channel_key)
