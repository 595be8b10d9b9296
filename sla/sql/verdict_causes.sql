-- What samples changed calculations of a month.
-- Grain: calculation version that any changed. Inputs: restatement_causes, circuit_id, month. Pure.
select
    calculation_version,
    coalesce(sum(samples) filter (where kind = 'late'), 0)::bigint as late,
    coalesce(sum(samples) filter (where kind = 'conflicting'), 0)::bigint as conflicting
from restatement_causes
where circuit_id = $circuit_id and month = $month
group by calculation_version
