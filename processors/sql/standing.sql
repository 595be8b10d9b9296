-- Where each partition stands: next offset, watermark.
-- Grain: one row a topic and partition. Inputs: offsets. Reads only.
select topic, "partition", next_offset, watermark_us
from offsets
order by topic, "partition"
