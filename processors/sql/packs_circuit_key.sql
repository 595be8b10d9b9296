-- What packs of a channel's circuit are found by: the least key of its channels.
-- Grain: channel of a list. Inputs: channels, $channel_keys. Reads only.
select c.channel_key, min(every.channel_key) as circuit_key
from channels as c
inner join channels as every on c.circuit_id = every.circuit_id
where list_contains($channel_keys, c.channel_key)
group by c.channel_key
