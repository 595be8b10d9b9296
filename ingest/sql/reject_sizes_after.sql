-- How large the next rejects are, so that not all of them are read at once.
-- Grain: one row of rejects, in the order they were written. Idempotent: reads only.
-- Inputs: $after_row, the last rowid already looked at; $rows_max.
select rowid, octet_length(value) + coalesce(octet_length(key), 0) as bytes
from rejects
where rowid > $after_row
order by rowid
limit $rows_max;
