-- The channels of circuits, with their keys and active times.
-- Grain: channel. Inputs: circuit_ids, a list; first_id and last_id of them, so that of a few ids
-- little is read. Pure.
select c.circuit_id, c.channel, c.channel_key, c.active_from_s, c.active_to_s
from channels c
where c.circuit_id between $first_id and $last_id
    and c.circuit_id in (select unnest($circuit_ids))
order by c.circuit_id, c.channel_key
