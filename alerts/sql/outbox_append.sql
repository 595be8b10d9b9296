-- Grain: one message each; sequence is the order of announcement, as the lists are.
-- Inputs: parallel lists; outbox for the next sequence. The caller has checked that ids are new.
with added as (
    select
        unnest($id) as id, unnest($subject) as subject, unnest($type) as type,
        unnest($version) as version, unnest($circuit_id) as circuit_id,
        unnest($created_at_us) as created_at_us, unnest($withheld_reason) as withheld_reason,
        unnest($payload) as payload, generate_subscripts($id, 1) as number
)
insert into outbox
select
    id,
    (select coalesce(max(sequence), 0) from outbox) + number,
    subject, type, version, circuit_id, created_at_us, withheld_reason, payload
from added
order by number;
