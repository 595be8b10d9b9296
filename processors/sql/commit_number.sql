-- Which commit of the writer a snapshot shows. Grain: one row. Inputs: commits. Reads only.
select number
from commits
