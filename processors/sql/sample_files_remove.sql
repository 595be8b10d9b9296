-- Files that hold nothing from $before_us on count no more.
-- Grain: file. Idempotent. Returns the count.
update sample_files
set removed_at_us = $now_us
where removed_at_us is null and last_us < $before_us
