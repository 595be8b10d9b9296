-- Register a trial's channel as a node would have. Grain: channel. Only for a store in memory.
insert into channels
select $channel_key, $circuit_id, $channel, $partition, $grid_seconds, $active_from_s, null
