-- Append what a changed verdict follows from.
-- Grain: calculation, kind and day. Not idempotent: a change is noted once, with its calculation.
insert into restatement_causes values (
    $circuit_id, $month, $calculation_version, $start_s, $end_s, $kind, $day, $samples
)
