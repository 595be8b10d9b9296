-- How far blocks are made, and minutes folded. Grain: one of both, where it has begun. Reads only.
select name, value
from housekeeping
where name in ('blocked_to_s', 'folded_to_s')
