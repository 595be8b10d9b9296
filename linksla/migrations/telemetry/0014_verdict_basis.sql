-- What the next calculation of a month is compared with, beside the whole answer: answers are so long
-- that DuckDB compresses 2,000 and more of them together, and unpacks all for one (20 ms a poll).

-- What sla.causes compares of the payload, as JSON; null: written before, the payload has it.
alter table verdict_history add column basis varchar;
