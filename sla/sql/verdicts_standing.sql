-- The latest verdicts of each month that was ever judged.
-- Grain: circuit and month. Inputs: circuit_ids, a list. Pure.
select
    circuit_id, month, max(calculation_version) as calculation_version,
    arg_max(verdicts, calculation_version) as verdicts
from verdict_history
where circuit_id in (select unnest($circuit_ids))
group by circuit_id, month
