-- How many calculations there are: a number that only an appended or a lost one changes.
-- Grain: one row. Inputs: verdict_history. Pure.
select count(*) from verdict_history
