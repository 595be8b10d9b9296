-- The instant before which everything is in.
-- Grain: circuit. Inputs: channels, channel_progress, $circuit_ids (null: all), $first_key and
-- $last_key, a range their channels lie in. Reads only.
select c.circuit_id, min(p.folded_to_s) as complete_up_to_s
from channels as c
inner join channel_progress as p on c.channel_key = p.channel_key
where
    c.channel_key between $first_key and $last_key
    and p.channel_key between $first_key and $last_key
    and ($circuit_ids is null or c.circuit_id in (select unnest($circuit_ids::varchar[])))
group by c.circuit_id
