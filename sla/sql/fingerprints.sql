-- A fingerprint of all that is folded of a circuit: equal fingerprints, equal verdicts.
-- Grain: circuit. Inputs: circuit_ids, a list; first_key and last_key of their channels, so that
-- little is read. Pure; order of rows does not matter.
select
    c.circuit_id,
    count(s.channel_key) as spans,
    sum(hash(s.channel_key, s.start_s, s.end_s, s.bgp, s.loss_class)) as content
from channels c
join spans s using (channel_key)
where c.circuit_id in (select unnest($circuit_ids))
    and s.channel_key between $first_key and $last_key
    and c.channel_key between $first_key and $last_key
group by c.circuit_id
