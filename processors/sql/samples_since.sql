-- How many samples lie in the database from an instant on.
-- Grain: one row. Inputs: samples from $first_us on for zone maps. Reads only.
select count(*)
from samples
where observed_at_us >= $first_us
