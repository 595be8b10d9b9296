-- Every calculation of a month, in order.
-- Grain: calculation version. Inputs: circuit_id, month. Pure.
select calculation_version, calculated_at_us, reason, payload
from verdict_history
where circuit_id = $circuit_id and month = $month
order by calculation_version
