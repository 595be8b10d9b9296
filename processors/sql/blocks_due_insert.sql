-- Note hours whose minutes changed after their block may have been made.
-- Grain: row of changed (Arrow: channel_key, start_s of the hour). Not idempotent, which is no harm.
insert into rollup_blocks_due
select channel_key, start_s
from changed
