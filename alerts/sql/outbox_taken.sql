-- Grain: id of $ids that a message has already.
-- Inputs: outbox. Reads only.
select id from outbox where id in (select unnest($ids));
