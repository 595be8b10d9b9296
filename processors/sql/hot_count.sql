-- How many samples the table holds of [$from_us, $to_us).
-- Grain: one row. Inputs: samples. Reads only.
select count(*)
from samples
where observed_at_us >= $from_us and observed_at_us < $to_us
