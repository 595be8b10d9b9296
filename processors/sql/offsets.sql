-- Where each partition of a topic stands.
-- Grain: partition. Inputs: offsets, $topic. Reads only.
select partition, next_offset, watermark_us, last_append_us
from offsets
where topic = $topic
