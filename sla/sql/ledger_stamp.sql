-- How much was ever late, duplicate or conflicting of a circuit: rollups that are complete change
-- with nothing else. Grain: one row. Inputs: circuit_id. Pure.
select coalesce(sum(count), 0)::bigint from ledger where circuit_id = $circuit_id
