-- How far the channels of some circuits are, and from where on a sample may reach beyond that.
-- Grain: channel, in no order. Inputs: channel_stands, channel_reach, $circuit_ids (null: all),
-- $first_key and $last_key, a range their channels lie in. Reads only.
select
    c.circuit_id, c.channel_key, c.grid_seconds, c.active_from_s,
    coalesce(c.active_to_s, $forever_s) as active_to_s,
    c.folded_to_s, c.observed_at_us_max, coalesce(r.interval_us_max, 0) as interval_us_max
from channel_stands as c
left join channel_reach as r on c.channel_key = r.channel_key
where
    c.channel_key between $first_key and $last_key
    and ($circuit_ids is null or c.circuit_id in (select unnest($circuit_ids::varchar[])))
