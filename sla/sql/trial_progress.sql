-- Say that all of a trial's channel is folded. Grain: channel. Only for a store in memory.
insert into channel_progress select $channel_key, $horizon_s::bigint * 1000000, $horizon_s
