-- Alarms as they stand: the highest revision of each.
-- Grain: alarm. Inputs: circuit_ids, a list; raised_only. Raised first, critical first, then oldest.
select
    alarm_id, revision, circuit_id, type, qualifier, severity, condition, event_at_s,
    reported_at_us, reason
from alarm_history
where circuit_id in (select unnest($circuit_ids))
qualify row_number() over (partition by alarm_id order by revision desc) = 1
    and (condition = 'raised' or not $raised_only)
order by
    condition <> 'raised',
    list_position(['critical', 'major', 'minor', 'warning', 'indeterminate'], lower(severity))
        nulls last,
    event_at_s, alarm_id
