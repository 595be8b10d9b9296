-- How many channels are registered.
-- Grain: one row. Inputs: channels. Reads only.
select count(*)
from channels
