-- Append rows as they are.
-- Grain: row of latency_histogram. Inputs: compacted (a table of this transaction). Not idempotent.
insert into latency_histogram
select * from compacted
