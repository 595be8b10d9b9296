-- The latest calculation version of each month that has been judged; and, with month '', how much was
-- ever late, duplicate or conflicting: complete rollups change with nothing else.
-- Grain: circuit and month. Inputs: verdict_history, ledger, circuit_ids (a list). Pure.
select circuit_id, month, max(calculation_version)::bigint as number
from verdict_history
where circuit_id in (select unnest($circuit_ids))
group by circuit_id, month
union all
select circuit_id, '' as month, sum(count)::bigint as number
from ledger
where circuit_id in (select unnest($circuit_ids))
group by circuit_id
