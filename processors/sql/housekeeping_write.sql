-- Store how far a job of the housekeeper is.
-- Grain: job. Idempotent.
insert or replace into housekeeping
values ($name, $value)
