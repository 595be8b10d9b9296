-- Grain: one new revision of an alarm.
-- Inputs: bound parameters. Appends; idempotent only through the caller's transaction.
insert into alarm_history values (
    $alarm_id, $revision, $circuit_id, $type, $qualifier, $severity, $condition,
    $event_at_s, $reported_at_us, $reason, $payload
);
