-- Every calculation of each month of a circuit, and each line of its ledger.
-- Grain: row; month '': how much came late, twice or in conflict. Inputs: verdict_history, ledger,
-- circuit_id. Pure; in no order. What circuit_counts.sql says of many: of one, to group what it finds
-- took 1.0 ms of 1.6.
select month, calculation_version as number
from verdict_history
where circuit_id = $circuit_id
union all
select '' as month, count as number
from ledger
where circuit_id = $circuit_id
