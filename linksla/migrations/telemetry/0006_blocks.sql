-- Hours of rollups as one row, so that a month of a circuit is a few thousand rows and not a million.

-- Grain: channel and whole hour that has any rollups; what the minutes of the hour come to. Only
-- hours before the housekeeper's `blocked_to_s` that are not in rollup_blocks_due may be read.
-- *_low: the least mean of a minute. latency_*: the histogram, buckets in order, and their counts.
create table rollup_blocks (
    channel_key integer not null,
    start_s bigint not null,
    latency_count bigint not null,
    latency_sum_us bigint not null,
    latency_max_us integer,
    lost_count bigint not null,
    jitter_count bigint not null,
    jitter_sum_us bigint not null,
    jitter_max_us integer,
    jitter_low_us double,
    loss_count bigint not null,
    loss_sum_ppm bigint not null,
    loss_max_ppm integer,
    loss_low_ppm double,
    rx_count bigint not null,
    rx_sum_bps hugeint not null,
    rx_max_bps bigint,
    rx_low_bps double,
    tx_count bigint not null,
    tx_sum_bps hugeint not null,
    tx_max_bps bigint,
    tx_low_bps double,
    latency_buckets integer[] not null,
    latency_counts bigint[] not null
);

-- Grain: channel and hour whose minutes changed after its block was made; may hold one twice.
create table rollup_blocks_due (
    channel_key integer not null,
    start_s bigint not null
);
