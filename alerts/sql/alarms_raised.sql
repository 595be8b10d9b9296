-- Circuits of which an alarm is raised: its highest revision says so.
-- Grain: circuit. Inputs: alarm_history; alarms of the node itself have no circuit. Reads only.
with standing as (
    select circuit_id, arg_max(condition, revision) as condition
    from alarm_history
    group by alarm_id, circuit_id
)
select distinct circuit_id
from standing
where condition = 'raised' and circuit_id <> ''
order by circuit_id
