-- Delete samples of unknown circuits that nobody named in time.
-- Grain: sample. Idempotent. Returns the count.
delete from pending
where append_time_us < $before_us
