-- Append what could not be used; each row becomes one dead letter.
-- Grain: message and reason. Inputs: new_rejects (Arrow). Not idempotent.
insert into rejects
select topic, partition, "offset", reason, index_in_message, detail, append_time_us, key, value
from new_rejects
