-- How far each circuit is complete: the least of its channels.
-- Grain: circuit. Inputs: circuit_ids, a list. Pure.
select c.circuit_id, min(p.folded_to_s) as complete_up_to_s
from channels c
join channel_progress p using (channel_key)
where c.circuit_id in (select unnest($circuit_ids))
group by c.circuit_id
