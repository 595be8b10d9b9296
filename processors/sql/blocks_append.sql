-- Append blocks as they are.
-- Grain: row of rollup_blocks. Inputs: ordered_blocks (of this transaction). Not idempotent.
insert into rollup_blocks
select * from ordered_blocks
