-- Latency counts of a range of channels and time, one row a bucket, sorted as the rollups.
-- Grain: channel, step and bucket. Inputs: latency_histogram. Reads only.
select channel_key, start_s, bucket, sum(count)::bigint as count
from latency_histogram
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
group by all
order by channel_key, start_s, bucket
