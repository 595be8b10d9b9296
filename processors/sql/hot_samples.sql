-- The table's samples of [$from_us, $to_us), as they go to a file of this $generation.
-- Grain: sample. Inputs: samples. Reads only.
select *, $generation::bigint as generation
from samples
where observed_at_us >= $from_us and observed_at_us < $to_us
order by channel_key, observed_at_us
