-- Grain: one new revision of an alarm each.
-- Inputs: parallel lists. Appends; idempotent only through the caller's transaction.
insert into alarm_history
select
    unnest($alarm_id), unnest($revision), unnest($circuit_id), unnest($type), unnest($qualifier),
    unnest($severity), unnest($condition), unnest($event_at_s), unnest($reported_at_us),
    unnest($reason), unnest($payload);
