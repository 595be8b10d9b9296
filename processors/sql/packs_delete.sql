-- Take out the packs of a range of circuits that begin in a range of time. Idempotent.
delete from rollup_packs
where from_s >= $from_s and from_s < $to_s and place >= $first_place and place <= $last_place
