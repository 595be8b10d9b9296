-- Grain: partition that has a watermark.
-- Inputs: offsets. Reads only.
select topic, partition, watermark_us
from offsets
where watermark_us is not null;
