-- Every calculation of a month.
-- Grain: calculation version. Inputs: circuit_id, month. Pure; in no order: the few that it finds are
-- put in order sooner by who reads them.
select calculation_version, calculated_at_us, reason, payload
from verdict_history
where circuit_id = $circuit_id and month = $month
