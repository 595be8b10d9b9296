-- Put the latency counts that follow from a trial's rollups into the histogram.
-- Grain: channel, rollup step and bucket. Inputs: none. Only for a store in memory; run once.
insert into latency_histogram
select channel_key, start_s, latency_bucket(latency_max_us), 1
from rollup_parts
where latency_max_us is not null
