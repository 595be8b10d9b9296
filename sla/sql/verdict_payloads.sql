-- The answers of some calculations, to be compared with what comes after them.
-- Grain: circuit, month and calculation version. Inputs: parallel lists. Pure.
with wanted as (
    select
        unnest($circuit_id) as circuit_id, unnest($month) as month,
        unnest($calculation_version) as calculation_version
)
select circuit_id, month, payload
from verdict_history
join wanted using (circuit_id, month, calculation_version)
