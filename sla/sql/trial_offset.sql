-- Say that a trial's partition is complete up to the horizon. Only for a store in memory.
insert into offsets
select 'link.samples', $partition, 1, $horizon_s::bigint * 1000000, $horizon_s::bigint * 1000000
