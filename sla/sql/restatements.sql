-- Verdicts that changed because of late or conflicting samples, with the reason of the calculation.
-- Grain: calculation and UTC day of the samples. Inputs: circuit_ids, a list. Pure.
select
    c.circuit_id, c.day, c.month, c.calculation_version, c.start_s, c.end_s,
    coalesce(sum(c.samples) filter (where c.kind = 'late'), 0)::bigint as late,
    coalesce(sum(c.samples) filter (where c.kind = 'conflicting'), 0)::bigint as conflicting,
    h.reason
from restatement_causes as c
inner join verdict_history as h
    on h.circuit_id = c.circuit_id and h.month = c.month
    and h.calculation_version = c.calculation_version
where c.circuit_id in (select unnest($circuit_ids))
group by all
order by c.circuit_id, c.day, c.month, c.calculation_version
