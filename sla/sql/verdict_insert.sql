-- Append one calculation of a month whose verdicts changed.
-- Grain: circuit, month and calculation version. Not idempotent: the evaluator compares first.
insert into verdict_history values (
    $circuit_id, $month, $calculation_version, $calculated_at_us, $complete_up_to_s, $final,
    $verdicts, $reason, $payload
)
