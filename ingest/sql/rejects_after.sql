-- Grain: one row of rejects (message and reason), in the order they were written.
-- Inputs: $after_row, the last rowid already looked at; $last_row, the last one wanted.
-- Idempotent: reads only.
select rowid, topic, partition, "offset", reason, index_in_message, detail, key, value
from rejects
where rowid > $after_row and rowid <= $last_row
order by rowid;
