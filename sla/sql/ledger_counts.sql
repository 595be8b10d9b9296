-- How much was ever late, duplicate or conflicting of circuits: complete rollups change with
-- nothing else. Grain: circuit that has any. Inputs: circuit_ids, a list. Pure.
select circuit_id, sum(count)::bigint as count
from ledger
where circuit_id in (select unnest($circuit_ids))
group by circuit_id
