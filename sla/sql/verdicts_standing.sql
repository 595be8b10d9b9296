-- The latest verdicts of each month that was ever judged, and what the next are compared with.
-- Grain: circuit and month. Inputs: circuit_ids, a list. Pure.
-- basis null: the month is final, or the calculation is of before it was kept.
select circuit_id, month, calculation_version, verdicts, if(final, null, basis) as basis, final
from verdict_history
where circuit_id in (select unnest($circuit_ids))
qualify row_number() over (partition by circuit_id, month order by calculation_version desc) = 1
