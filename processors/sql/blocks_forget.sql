-- Remove blocks of days whose minutes are folded: they are not read any more. Idempotent.
delete from rollup_blocks
where start_s < (select max(value) from housekeeping where name = 'folded_to_s')
