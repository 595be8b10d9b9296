-- Remember a fact about the stream the first time it is seen.
-- Grain: fact. Idempotent.
insert or ignore into stream_identity
values ($key, $value)
