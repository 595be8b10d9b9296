-- How far a job of the housekeeper is.
-- Grain: one row, or none. Reads only.
select value
from housekeeping
where name = $name
