-- Store where a partition stands, in the transaction of what the offsets stand for.
-- Grain: topic and partition. Idempotent.
insert or replace into offsets
values ($topic, $partition, $next_offset, $watermark_us, $last_append_us)
