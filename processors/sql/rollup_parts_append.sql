-- Append rows as they are.
-- Grain: row of rollup_parts. Inputs: compacted (a table of this transaction). Not idempotent.
insert into rollup_parts
select * from compacted
