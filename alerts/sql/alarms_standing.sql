-- Grain: alarm of the circuits $circuit_ids, as it stands (its highest revision).
-- Inputs: alarm_history. Reads only; the same rows every time.
select
    alarm_id,
    revision,
    circuit_id,
    type,
    qualifier,
    severity,
    condition,
    event_at_s,
    reason,
    payload ->> '$.known_outside' = 'true' as known_outside,
    payload ->> '$.withholding' as withholding
from alarm_history
where circuit_id in (select unnest($circuit_ids))
qualify row_number() over (partition by alarm_id order by revision desc) = 1
order by circuit_id, type, qualifier;
