-- Hours of a circuit's channels in one row (processors/packs.py), found by an index: an hour as its
-- minutes are closed, a day once all its hours are made. What blocks there were is made again from
-- minutes, which are kept as long; until then minutes are read.

create table rollup_packs (
    place bigint not null,         -- circuit and 32 days, see processors.packs.place_of
    from_s bigint not null,        -- where it begins: an hour, or the UTC day of several
    size integer not null,         -- of the content in bytes, unpacked
    content blob not null
);

create index rollup_packs_by_place on rollup_packs (place);

drop table rollup_blocks;

delete from rollup_blocks_due;

delete from housekeeping
where name in (
    'blocked_to_s', 'blocked_to_channel_key', 'blocks_ordered_to_s', 'blocks_ordered_to_channel_key'
);
