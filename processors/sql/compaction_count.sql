-- Rows of rollups and histograms of a range of channels and time.
-- Grain: one row. Inputs: rollup_parts, latency_histogram. Reads only.
select
    (
        select count(*)
        from rollup_parts
        where
            start_s >= $from_s and start_s < $to_s
            and channel_key >= $first_channel_key and channel_key <= $last_channel_key
    )
    + (
        select count(*)
        from latency_histogram
        where
            start_s >= $from_s and start_s < $to_s
            and channel_key >= $first_channel_key and channel_key <= $last_channel_key
    )
