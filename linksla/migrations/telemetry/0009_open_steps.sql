-- A rollup step is written once, when it is over, and its histogram lies in it as two lists.

-- latency_buckets, latency_counts: as in rollup_blocks. A list costs a fifth of its rows to write,
-- and who looks for a channel looks through one row a step. Null: empty.
alter table rollup_parts add column latency_buckets integer[];
alter table rollup_parts add column latency_counts bigint[];

-- What there is becomes a part of its step without samples: parts are summed.
insert into rollup_parts
select
    channel_key, start_s, 0, 0, 0, null, null, 0, 0, 0, null, 0, 0, null, 0, 0, null, 0, 0, null,
    list(bucket order by bucket), list(count order by bucket)
from (
    select channel_key, start_s, bucket, sum(count)::bigint as count
    from latency_histogram
    group by all
)
group by channel_key, start_s
order by start_s, channel_key;

drop table latency_histogram;

-- Grain: channel, rollup step, part and bucket: summed when read.
create view latency_histogram as
select
    channel_key, start_s, unnest(latency_buckets) as bucket, unnest(latency_counts) as count
from rollup_parts;

-- Grain: row of rollup_parts, as loops read it: sums of bit/s in halves of 32 bits.
create view rollup_halves as
select
    channel_key, start_s,
    samples, latency_count, latency_sum_us, latency_min_us, latency_max_us, lost_count,
    jitter_count, jitter_sum_us, jitter_max_us, loss_count, loss_sum_ppm, loss_max_ppm,
    rx_count, (rx_sum_bps // 4294967296)::bigint as rx_sum_high,
    (rx_sum_bps % 4294967296)::bigint as rx_sum_low, rx_max_bps,
    tx_count, (tx_sum_bps // 4294967296)::bigint as tx_sum_high,
    (tx_sum_bps % 4294967296)::bigint as tx_sum_low, tx_max_bps,
    latency_buckets, latency_counts
from rollup_parts;

-- Steps that are not over wait in memory and are rebuilt from the samples at a start. A step is over
-- when its channel is folded up to its end.
delete from rollup_parts
using channel_progress, channels
where rollup_parts.channel_key = channel_progress.channel_key
    and rollup_parts.channel_key = channels.channel_key
    and rollup_parts.start_s
    >= channel_progress.folded_to_s // greatest(channels.grid_seconds, 60)
    * greatest(channels.grid_seconds, 60);
