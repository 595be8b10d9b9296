-- How far into the channels of a day $rows_max rows of rollups reach.
-- Grain: one row: the last channel (null: none is left), rows of rollup_parts in the range.
-- Inputs: rollup_parts. Reads only.
with counted as (
    select channel_key, count(*) as rows
    from rollup_parts
    where start_s >= $from_s and start_s < $to_s and channel_key > $after_channel_key
    group by channel_key
),

summed as (
    select
        channel_key, rows,
        sum(rows) over (order by channel_key) as total,
        row_number() over (order by channel_key) as place
    from counted
)

select max(channel_key), sum(rows)::bigint
from summed
where total <= $rows_max or place = 1
