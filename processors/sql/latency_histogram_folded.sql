-- Latency counts of a range of channels and time, folded as the rollups are.
-- Grain: channel, piece or step, and bucket. Inputs: latency_histogram; pieces (Arrow: channel_key,
-- from_s, to_s; apart from each other). Reads only.
with parts as (
    select
        h.channel_key, h.bucket, h.count,
        case when h.start_s < p.to_s then p.from_s else h.start_s end as start_s
    from latency_histogram as h
    asof left join pieces as p on h.channel_key = p.channel_key and h.start_s >= p.from_s
    where
        h.start_s >= $from_s and h.start_s < $to_s
        and h.channel_key >= $first_channel_key and h.channel_key <= $last_channel_key
)

select channel_key, start_s, bucket, sum(count)::bigint as count
from parts
group by all
order by channel_key, start_s, bucket
