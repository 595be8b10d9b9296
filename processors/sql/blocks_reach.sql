-- How far blocks are made. Grain: one row, null: not at all. Reads only.
select max(value)
from housekeeping
where name = $name
