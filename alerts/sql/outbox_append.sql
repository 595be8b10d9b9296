-- Append messages. Grain: one message each. Inputs: parallel lists. The caller has checked that ids
-- are new, and numbers them on in the order of announcement: a join here took 1.5 ms.
insert into outbox
select
    unnest($id), unnest($sequence), unnest($subject), unnest($type), unnest($version),
    unnest($circuit_id), unnest($created_at_us), unnest($withheld_reason), unnest($payload);
