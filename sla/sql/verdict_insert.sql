-- Append calculations of months whose verdicts changed.
-- Grain: circuit, month and calculation version. Inputs: parallel lists. Not idempotent: the
-- evaluator compares first.
insert into verdict_history
select
    unnest($circuit_id), unnest($month), unnest($calculation_version), $calculated_at_us,
    unnest($complete_up_to_s), unnest($final), unnest($verdicts), unnest($reason), unnest($payload),
    unnest($basis)
