-- The end of the latest cell in which any of a circuit's samples starts.
-- Grain: circuit that has had a sample. Inputs: channels, channel_progress, $circuit_ids (null:
-- all), $first_key and $last_key, a range their channels lie in. Reads only.
select
    c.circuit_id,
    (max(p.observed_at_us_max) // 1000000 // any_value(c.grid_seconds) + 1)
    * any_value(c.grid_seconds) as live_to_s
from channels as c
inner join channel_progress as p on c.channel_key = p.channel_key
where
    p.observed_at_us_max >= 0
    and c.channel_key between $first_key and $last_key
    and p.channel_key between $first_key and $last_key
    and ($circuit_ids is null or c.circuit_id in (select unnest($circuit_ids::varchar[])))
group by c.circuit_id
