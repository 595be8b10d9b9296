-- What was late, duplicate, conflicting, rejected, or is otherwise worth an entry, counted.
-- Grain: kind, circuit, channel, UTC day (days since 1970) and detail.
-- Inputs: circuit_ids, a list; whole_stream: entries that belong to no circuit too. Pure.
select kind, circuit_id, channel, day, sum(count)::bigint as count, detail
from ledger
where circuit_id in (select unnest($circuit_ids)) or (circuit_id is null and $whole_stream)
group by kind, circuit_id, channel, day, detail
order by circuit_id nulls last, day nulls last, kind, channel nulls last, detail
