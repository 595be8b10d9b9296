-- The instant before which everything is in.
-- Grain: circuit. Inputs: channels, channel_progress. Reads only.
select c.circuit_id, min(p.folded_to_s) as complete_up_to_s
from channels as c
inner join channel_progress as p on c.channel_key = p.channel_key
group by c.circuit_id
