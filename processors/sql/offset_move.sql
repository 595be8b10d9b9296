-- Continue a partition elsewhere; its watermark stays: time does not go back.
-- Grain: topic and partition. Idempotent.
update offsets
set next_offset = $next_offset
where topic = $topic and partition = $partition
