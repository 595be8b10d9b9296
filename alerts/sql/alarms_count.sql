-- How many revisions of circuits' alarms there are: a number that only an appended or a lost one
-- changes.
-- Grain: one row. Inputs: alarm_history. Reads only.
select count(*) from alarm_history where circuit_id <> ''
