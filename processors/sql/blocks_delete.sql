-- Take out the blocks of a range of channels and time. Idempotent.
delete from rollup_blocks
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
