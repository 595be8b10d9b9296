-- When the newest message was appended that was read of a partition.
-- Grain: topic and partition. Reads only.
select last_append_us
from offsets
where topic = $topic and partition = $partition
