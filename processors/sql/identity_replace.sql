-- Take over another stream's identity.
-- Grain: fact. Idempotent.
insert or replace into stream_identity
values ($key, $value)
