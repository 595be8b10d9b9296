-- telemetry.duckdb, first form: what was measured and what follows from it.
-- No primary key on samples, rollups and spans: measured at 100,000-row inserts, 20 ms without one
-- and 167 ms with one (DESIGN 8). Uniqueness is kept by the writer, the only one there is.

-- Grain: one fact about the stream (cluster_id, topic_id).
create table stream_identity (key varchar primary key, value varchar not null);

-- Grain: topic and partition. Written in the transaction that wrote what the offsets stand for.
create table offsets (
    topic varchar not null,
    partition smallint not null,
    next_offset bigint not null,
    watermark_us bigint,           -- greatest min(observed_at, append_time) less allowed lateness
    last_append_us bigint,         -- of the newest message, to know how long it is silent
    primary key (topic, partition)
);

-- Grain: channel of a circuit. Keys are dense and never reused; the writer fills it from inventory.
create table channels (
    channel_key integer primary key,
    circuit_id varchar not null,
    channel varchar not null,
    partition smallint not null,
    grid_seconds integer not null,
    active_from_s bigint not null,
    active_to_s bigint             -- null: still
);

-- Grain: channel. observed_at_us_max: rows above it are new without a look-up; -1: none yet.
-- folded_to_s: cells that end at or before it are in spans.
create table channel_progress (
    channel_key integer primary key,
    observed_at_us_max bigint not null,
    folded_to_s bigint not null
);

-- Grain: channel that has had a sample. How far back a sample may hold a cell (a day at most): bounds
-- the look-back of whoever folds what lies beyond folded_to_s. No row: 0.
create table channel_reach (
    channel_key integer primary key,
    interval_us_max bigint not null
);

-- Grain: accepted sample; one per (channel_key, observed_at_us).
create table samples (
    channel_key integer not null,
    observed_at_us bigint not null,
    sequence bigint not null,
    interval_us bigint not null,
    latency_us integer,
    jitter_us integer,
    loss_ppm integer,
    rx_bps bigint,
    tx_bps bigint,
    bgp_state utinyint not null,
    bgp_transitions bigint,
    probe varchar,
    partition smallint not null,
    "offset" bigint not null,
    index_in_message integer not null
);

-- Grain: sample of a circuit the inventory does not know yet; SAMPLE_SCHEMA of linksla.model.
create table pending (
    circuit_id varchar not null,
    channel varchar not null,
    sequence bigint not null,
    observed_at_us bigint not null,
    interval_us bigint not null,
    latency_us integer,
    jitter_us integer,
    loss_ppm integer,
    rx_bps bigint,
    tx_bps bigint,
    bgp_state utinyint not null,
    bgp_transitions bigint,
    probe varchar,
    partition smallint not null,
    "offset" bigint not null,
    index_in_message integer not null,
    append_time_us bigint not null
);

-- Grain: run of equal evidence of a channel within one UTC day, [start_s, end_s), whole cells.
-- A cell in no span is unknown. bgp: 0 unknown, 1 established, 2 not. loss_class: index into
-- LOSS_LADDER_PPM, null = loss not measured.
create table spans (
    channel_key integer not null,
    day integer not null,          -- start_s // 86400
    start_s bigint not null,
    end_s bigint not null,
    bgp utinyint not null,
    loss_class utinyint
);

-- Grain: channel, rollup step and poll: summed when read (view rollups).
-- The step is a minute, or the grid where that is longer.
create table rollup_parts (
    channel_key integer not null,
    start_s bigint not null,
    samples bigint not null,
    latency_count bigint not null,
    latency_sum_us bigint not null,
    latency_min_us integer,
    latency_max_us integer,
    lost_count bigint not null,    -- samples that say loss and have no latency: +infinity
    jitter_count bigint not null,
    jitter_sum_us bigint not null,
    jitter_max_us integer,
    loss_count bigint not null,
    loss_sum_ppm bigint not null,
    loss_max_ppm integer,
    rx_count bigint not null,
    rx_sum_bps hugeint not null,
    rx_max_bps bigint,
    tx_count bigint not null,
    tx_sum_bps hugeint not null,
    tx_max_bps bigint
);

create view rollups as
select
    channel_key,
    start_s,
    sum(samples) as samples,
    sum(latency_count) as latency_count,
    sum(latency_sum_us) as latency_sum_us,
    min(latency_min_us) as latency_min_us,
    max(latency_max_us) as latency_max_us,
    sum(lost_count) as lost_count,
    sum(jitter_count) as jitter_count,
    sum(jitter_sum_us) as jitter_sum_us,
    max(jitter_max_us) as jitter_max_us,
    sum(loss_count) as loss_count,
    sum(loss_sum_ppm) as loss_sum_ppm,
    max(loss_max_ppm) as loss_max_ppm,
    sum(rx_count) as rx_count,
    sum(rx_sum_bps) as rx_sum_bps,
    max(rx_max_bps) as rx_max_bps,
    sum(tx_count) as tx_count,
    sum(tx_sum_bps) as tx_sum_bps,
    max(tx_max_bps) as tx_max_bps
from rollup_parts
group by channel_key, start_s;

-- Grain: channel, rollup step, latency bucket and poll: summed when read.
create table latency_histogram (
    channel_key integer not null,
    start_s bigint not null,
    bucket integer not null,       -- latency_bucket(latency_us)
    count bigint not null
);

-- Log buckets of whole microseconds: exact below 128, then 64 to an octave, so that the middle of
-- a bucket is at most 1/128 = 0.79 % from any value in it. Integers only, so counts merge exactly.
create macro latency_bucket(x) as (
    greatest(floor(log2(greatest(x, 1)))::integer - 6, 0) * 64
    + (x >> greatest(floor(log2(greatest(x, 1)))::integer - 6, 0))
);

-- Grain: kind, channel, UTC day of observed_at and poll; append-only.
-- kind: late, duplicate, conflicting, rejected, gap, restatement.
create table ledger (
    kind varchar not null,
    circuit_id varchar,
    channel varchar,
    day integer,
    count bigint not null,
    topic varchar,
    partition smallint,
    first_offset bigint,
    last_offset bigint,
    detail varchar not null
);

-- Grain: message and reason; becomes one dead letter.
create table rejects (
    topic varchar not null,
    partition smallint not null,
    "offset" bigint not null,
    reason varchar not null,
    index_in_message varchar not null,  -- '' for the whole message, else '3' or '3,17'
    detail varchar not null,
    append_time_us bigint not null,
    key blob,
    value blob not null
);

-- Grain: circuit, month and calculation version; append-only. payload: DESIGN 9's answer.
create table verdict_history (
    circuit_id varchar not null,
    month varchar not null,
    calculation_version integer not null,
    calculated_at_us bigint not null,
    complete_up_to_s bigint not null,
    final boolean not null,
    verdicts varchar not null,     -- canonical text of what may not change silently
    reason varchar not null,       -- why this version exists
    payload varchar not null
);

-- Grain: alarm identity and revision; append-only, the highest revision is how it stands.
create table alarm_history (
    alarm_id varchar not null,
    revision integer not null,
    circuit_id varchar not null,
    type varchar not null,
    qualifier varchar not null,
    severity varchar not null,
    condition varchar not null,    -- raised or cleared
    event_at_s bigint not null,    -- when it happened on the link
    reported_at_us bigint not null,
    reason varchar not null,
    payload varchar not null
);

-- Grain: message to the outside; the id is a hash of subject and version, so a rebuild makes the same.
create table outbox (
    id varchar primary key,
    sequence bigint not null,      -- order of announcement
    subject varchar not null,
    type varchar not null,
    version integer not null,
    circuit_id varchar not null,
    created_at_us bigint not null,
    withheld_reason varchar,       -- not null: never sent, and why
    payload varchar not null       -- CloudEvents JSON
);
