-- Grain: one message; sequence is the order of announcement.
-- Inputs: bound parameters; outbox for the next sequence. The caller has checked that id is new.
insert into outbox
select
    $id,
    (select coalesce(max(sequence), 0) + 1 from outbox),
    $subject, $type, $version, $circuit_id, $created_at_us, $withheld_reason, $payload;
