-- Every calculation of a month, in order, with what samples changed it (restatement_causes).
-- Grain: calculation version. Inputs: circuit_id, month. Pure.
select
    h.calculation_version, h.calculated_at_us, h.reason, h.payload,
    coalesce(sum(c.samples) filter (where c.kind = 'late'), 0)::bigint as late,
    coalesce(sum(c.samples) filter (where c.kind = 'conflicting'), 0)::bigint as conflicting
from verdict_history as h
left join restatement_causes as c
    on c.circuit_id = h.circuit_id and c.month = h.month
    and c.calculation_version = h.calculation_version
where h.circuit_id = $circuit_id and h.month = $month
group by h.calculation_version, h.calculated_at_us, h.reason, h.payload
order by h.calculation_version
