-- Remove packs of days whose minutes are all folded: they are not read any more. Idempotent.
-- $seconds_max: how long a pack is at most.
delete from rollup_packs
where from_s + $seconds_max <= (select max(value) from housekeeping where name = 'folded_to_s')
