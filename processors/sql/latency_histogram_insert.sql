-- Append latency counts of some samples.
-- Grain: channel, step, bucket and poll. Inputs: new_histogram (Arrow). Not idempotent.
insert into latency_histogram
select channel_key, start_s, bucket, count
from new_histogram
