-- Which verdicts changed because of samples that came late or in conflict (DESIGN 1, ledger).

-- Grain: calculation of a month whose verdicts, judged again over the time that was judged before,
-- are not what they were; kind (late, conflicting) and UTC day of the samples that came since.
-- Append-only; verdict_history has the calculation and its reason. [start_s, end_s): what of the
-- month was judged, so that only who may see all of it is told.
create table restatement_causes (
    circuit_id varchar not null,
    month varchar not null,
    calculation_version integer not null,
    start_s bigint not null,
    end_s bigint not null,
    kind varchar not null,
    day integer not null,
    samples bigint not null
);
