-- Write down that messages are gone; `count` is of messages, 0 where nobody knows.
-- Grain: gap. Not idempotent.
insert into ledger
values ('gap', null, null, null, $count, $topic, $partition, $first_offset, $last_offset, $detail)
