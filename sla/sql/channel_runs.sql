-- The state of single channels under a contract, as runs.
-- Grain: run of equal, known state of a channel within the range asked for; gaps are unknown.
-- Inputs, as parallel lists: ask_* (channel key, [start, end), greatest loss class that is not
-- bad), live_* (provisional spans). State: 1 good, 2 bad. Pure.
with asked as materialized (
    select
        unnest($ask_channel_key) as channel_key,
        unnest($ask_start_s) as from_s,
        unnest($ask_end_s) as to_s,
        unnest($ask_loss_class_max) as loss_class_max
),
evidence as (
    select channel_key, start_s, end_s, bgp, loss_class
    from spans
    where channel_key in (select unnest($ask_channel_key))
        and end_s > (select min(from_s) from asked) and start_s < (select max(to_s) from asked)
    union all
    select unnest($live_channel_key), unnest($live_start_s), unnest($live_end_s),
        unnest($live_bgp), unnest($live_loss_class)
),
known as (
    select
        channel_key,
        greatest(start_s, from_s) as start_s,
        least(end_s, to_s) as end_s,
        case when bgp = 2 or coalesce(loss_class > loss_class_max, false) then 2 else 1 end as state
    from evidence
    join asked using (channel_key)
    where end_s > from_s and start_s < to_s and (bgp <> 0 or loss_class is not null)
),
changes as (
    select *,
        (state is distinct from lag(state) over by_time
            or start_s is distinct from lag(end_s) over by_time) as changed
    from known
    window by_time as (partition by channel_key order by start_s)
),
numbered as (
    select *, sum(changed::int) over (partition by channel_key order by start_s) as run
    from changes
)
select channel_key, min(start_s) as start_s, max(end_s) as end_s, any_value(state) as state
from numbered
group by channel_key, run
order by channel_key, start_s
