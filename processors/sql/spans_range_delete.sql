-- Take out the spans of a range of channels and time, to be put back in order.
-- Grain: span. Idempotent. Returns the count.
delete from spans
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
