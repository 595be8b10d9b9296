-- Grain: message that goes outside, after $sequence, in order of announcement, at most $most.
-- Inputs: outbox. Reads only.
select id, sequence, subject, type, created_at_us, payload
from outbox
where sequence > $sequence and withheld_reason is null
order by sequence
limit $most;
