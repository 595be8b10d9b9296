-- Delete what was rejected before $before_us and is a dead letter since long ago.
-- Grain: message and reason. Idempotent. Returns the count.
delete from rejects
where append_time_us < $before_us
