-- How much of a circuit ever came late, twice or in conflict: complete rollups change with nothing else.
-- Grain: circuit. Inputs: ledger, circuit_ids (a list). Pure.
select circuit_id, sum(count)::bigint as number
from ledger
where circuit_id in (select unnest($circuit_ids))
group by circuit_id
