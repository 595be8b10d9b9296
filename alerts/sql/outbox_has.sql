-- Grain: one row: how many messages have the id $id (0 or 1).
-- Inputs: outbox. Reads only.
select count(*) from outbox where id = $id;
