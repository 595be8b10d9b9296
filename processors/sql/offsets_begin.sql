-- Store where new partitions stand, in the transaction of what the offsets stand for.
-- Grain: topic and partition. Inputs: stands (Arrow). Idempotent.
insert or replace into offsets
select topic, partition, next_offset, watermark_us, last_append_us
from stands
