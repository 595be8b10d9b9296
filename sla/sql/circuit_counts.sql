-- The latest calculation of each month, and how much of a circuit came late or conflicting.
-- Grain: circuit and month; month '': what was ever late, duplicate or conflicting, and complete
-- rollups change with nothing else. Inputs: verdict_history, ledger, circuit_ids (a list). Pure.
select circuit_id, month, max(calculation_version)::bigint as number
from verdict_history
where circuit_id in (select unnest($circuit_ids))
group by circuit_id, month
union all
select circuit_id, '' as month, sum(count)::bigint as number
from ledger
where circuit_id in (select unnest($circuit_ids))
group by circuit_id
