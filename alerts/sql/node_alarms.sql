-- Grain: alarm of the node itself, as it stands (its highest revision).
-- Inputs: alarm_history. Reads only.
select
    type,
    qualifier,
    revision,
    severity,
    condition,
    event_at_s,
    reason,
    payload ->> '$.known_outside' = 'true' as known_outside,
    payload ->> '$.withholding' as withholding,
    payload ->> '$.topic' as topic,
    (payload ->> '$.partition')::integer as partition,
    (payload ->> '$.gap_until_s')::bigint as gap_until_s
from alarm_history
where circuit_id = ''
qualify row_number() over (partition by alarm_id order by revision desc) = 1
order by type, qualifier;
