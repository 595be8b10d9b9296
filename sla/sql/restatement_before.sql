-- How far the calculation before another one was complete, and where the circuit's samples come in.
-- Grain: one row, or none. Inputs: circuit_id, month, calculation_version. Pure.
select
    h.complete_up_to_s,
    (select any_value(partition) from channels where circuit_id = $circuit_id) as partition,
    (select any_value(grid_seconds) from channels where circuit_id = $circuit_id) as grid_seconds
from verdict_history as h
where
    h.circuit_id = $circuit_id and h.month = $month
    and h.calculation_version = $calculation_version - 1
