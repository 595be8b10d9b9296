-- Remove packs of days whose minutes are folded: they are not read any more. Idempotent.
delete from rollup_packs
where from_s < (select max(value) from housekeeping where name = 'folded_to_s')
