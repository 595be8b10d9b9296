-- Take out a range of channels and time, to be put back compacted.
-- Grain: row of latency_histogram. Idempotent. Returns the count.
delete from latency_histogram
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
