-- Append spans.
-- Grain: span. Inputs: new_spans (Arrow; loss_class -1: not measured). Not idempotent.
insert into spans
select channel_key, start_s // 86400, start_s, end_s, bgp, nullif(loss_class, -1)
from new_spans
