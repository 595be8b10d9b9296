-- Which reject lies in a row.
-- Grain: one row, or none. Inputs: $row, a rowid. Reads only.
select topic, partition, "offset", reason, index_in_message
from rejects
where rowid = $row
