-- The least and the greatest watermark of all partitions that have one.
-- Grain: one row. Inputs: offsets. Reads only.
select min(watermark_us), max(watermark_us)
from offsets
