-- Samples in Parquet, and how far the housekeeper is (DESIGN 8).

-- Grain: Parquet file of samples; the only files that count. Name: hour and generation. Of two
-- samples with one key, the higher generation stands; the table `samples` is above all of them.
-- Moved from [from_us, to_us), holding [first_us, last_us]. removed_at_us: no reader may use it any
-- more; the file goes a while later, because a reader may still hold its name.
create table sample_files (
    generation bigint not null,
    name varchar not null,
    from_us bigint not null,
    to_us bigint not null,
    first_us bigint not null,
    last_us bigint not null,
    rows bigint not null,
    bytes bigint not null,
    removed_at_us bigint
);

-- Grain: a number the housekeeper goes on from after a restart.
create table housekeeping (name varchar primary key, value bigint not null);
