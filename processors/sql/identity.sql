-- Which stream the offsets belong to.
-- Grain: fact. Inputs: stream_identity. Reads only.
select key, value
from stream_identity
