-- Columns of samples that seldom change from one to the next are kept as runs, and no other form is
-- tried: to look for the shortest took DuckDB 20 to 27 ns a row of a column with one value in it, now
-- 9 to 15. An eighth of inserting samples (360 to 316 ns a row); the file is as large.

create table samples_in_runs (
    channel_key integer not null,
    observed_at_us bigint not null,
    sequence bigint not null,
    interval_us bigint not null using compression rle,
    latency_us integer,
    jitter_us integer,
    loss_ppm integer using compression rle,
    rx_bps bigint,
    tx_bps bigint,
    bgp_state utinyint not null using compression rle,
    bgp_transitions bigint using compression rle,
    probe varchar,
    partition smallint not null using compression rle,
    "offset" bigint not null,
    index_in_message integer not null
);

insert into samples_in_runs by name select * from samples;

drop table samples;

alter table samples_in_runs rename to samples;
