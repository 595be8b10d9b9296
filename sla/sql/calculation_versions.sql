-- The latest calculation version of each month that has been judged.
-- Grain: circuit and month. Inputs: circuit_ids, a list. Pure.
select circuit_id, month, max(calculation_version) as calculation_version
from verdict_history
where circuit_id in (select unnest($circuit_ids))
group by circuit_id, month
