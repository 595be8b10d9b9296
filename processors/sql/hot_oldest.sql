-- The oldest sample in the table of a range of time.
-- Grain: one row. Inputs: samples in [$from_us, $before_us) for zone maps. Reads only.
select min(observed_at_us)
from samples
where observed_at_us >= $from_us and observed_at_us < $before_us
