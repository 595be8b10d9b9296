-- An announcement that cannot be used becomes a dead letter, once.
-- Grain: message. Inputs: bound parameters. Idempotent.
insert into rejects
select
    $topic, $partition, $offset, 'undecodable', '', $detail, $append_time_us, $key, $value
where not exists (
    select 1 from rejects
    where topic = $topic and partition = $partition and "offset" = $offset
)
