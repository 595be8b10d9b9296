-- Forget that an hour of a channel is to be made again. Idempotent.
delete from rollup_blocks_due
where channel_key = $channel_key and start_s = $start_s
