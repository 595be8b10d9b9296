-- Delete the table's samples of [$from_us, $to_us).
-- Grain: sample. Idempotent. Returns the count.
delete from samples
where observed_at_us >= $from_us and observed_at_us < $to_us
