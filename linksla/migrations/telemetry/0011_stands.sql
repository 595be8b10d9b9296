-- How far channels are follows from what a commit writes anyway: 80,000 rows of channel_progress are
-- not written with each (a fifth of the writer's time at 100,000 samples/s).

-- channel_progress is now a floor. folded_to_s: where the channel began, or where it was when the
-- writer last started. observed_at_us_max: as old stores have it.

-- Grain: one row, the topic whose watermarks the channels follow since the writer last started. None:
-- no writer of this version has; then the floor is how far channels are.
create table followed_topic (topic varchar not null);

-- Grain: 4,096 channel keys. The greatest observed_at of each, -1: none; processors/seen.py.
create table channel_seen (first_key integer not null, observed_at_us_max blob not null);

-- Grain: channel. folded_to_s: cells that end at or before it are in spans. The writer folds in each
-- commit all cells that end by the watermark of the channel's partition, and never goes back.
-- observed_at_us_max: only what old stores have, the rest is in channel_seen.
create view channel_stands as
select
    c.channel_key, c.circuit_id, c.grid_seconds, c.active_from_s, c.active_to_s,
    p.observed_at_us_max,
    greatest(
        p.folded_to_s,
        coalesce(
            o.watermark_us // (c.grid_seconds * 1000000::bigint) * c.grid_seconds, p.folded_to_s
        )
    ) as folded_to_s
from channels as c
inner join channel_progress as p on c.channel_key = p.channel_key
left join (
    select "partition", watermark_us
    from offsets
    where topic in (select topic from followed_topic)
) as o on c.partition = o.partition;
