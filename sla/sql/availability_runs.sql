-- Spans of channels to runs of a circuit's availability (DESIGN 7.1 to 7.3), many circuits at once.
--
-- Grain: one row per run of equal state and availability of one judgement, [start_s, end_s).
-- Inputs, as parallel lists:
--   judgement_*: one judging of one circuit: a number, the circuit's number, k, n cells in seconds,
--     the greatest loss class that is not bad, [start, end), whether it starts down, what unknown
--     counts as (0 unknown, 1 good, 2 bad), whether channels under accepted windows count as good.
--   part_*: a channel's active time cut at its accepted windows: circuit number, channel key,
--     [start, end), windowed.
--   live_*: provisional spans, beyond what is folded into `spans`.
-- State: 0 unknown, 1 good, 2 bad. Availability: u, d, ?.
-- Pure: reads `spans`, writes nothing.
--
-- Never a row per cell: all work is on boundaries. Unknown is what is enabled and neither good nor
-- bad, so that gaps need no rows of their own.
with judgements as materialized (
    select
        unnest($judgement_key) as judgement,
        unnest($judgement_circuit) as circuit,
        unnest($judgement_needed) as needed,
        unnest($judgement_decisive_seconds) as decisive_seconds,
        unnest($judgement_loss_class_max) as loss_class_max,
        unnest($judgement_start_s) as judged_from_s,
        unnest($judgement_end_s) as judged_to_s,
        unnest($judgement_initially_down) as initially_down,
        unnest($judgement_unknown_as) as unknown_as,
        unnest($judgement_windows_good) as windows_good
),
parts as materialized (
    select
        unnest($part_circuit) as circuit,
        unnest($part_channel_key) as channel_key,
        unnest($part_start_s) as start_s,
        unnest($part_end_s) as end_s,
        unnest($part_windowed) as windowed
),
active as materialized (
    select
        judgement, channel_key, windows_good and windowed as taken_good, loss_class_max,
        greatest(start_s, judged_from_s) as start_s, least(end_s, judged_to_s) as end_s
    from judgements
    join parts using (circuit)
    where start_s < judged_to_s and end_s > judged_from_s
),
evidence as (
    select channel_key, start_s, end_s, bgp, loss_class
    from spans
    where channel_key in (select unnest($part_channel_key))
    union all
    select unnest($live_channel_key), unnest($live_start_s), unnest($live_end_s),
        unnest($live_bgp), unnest($live_loss_class)
),
known as (
    select
        judgement,
        greatest(e.start_s, a.start_s) as start_s,
        least(e.end_s, a.end_s) as end_s,
        bgp = 2 or coalesce(loss_class > loss_class_max, false) as bad
    from active a
    join evidence e on e.channel_key = a.channel_key and e.start_s < a.end_s and e.end_s > a.start_s
    where not taken_good and (bgp <> 0 or loss_class is not null)
    union all
    select judgement, start_s, end_s, false from active where taken_good
),
changes as (
    select judgement, start_s as at_s, 0 as enabled, (not bad)::int as good, bad::int as bad
    from known
    union all
    select judgement, end_s, 0, -(not bad)::int, -bad::int from known
    union all
    select judgement, start_s, 1, 0, 0 from active
    union all
    select judgement, end_s, -1, 0, 0 from active
    union all
    select judgement, judged_from_s, 0, 0, 0 from judgements
    union all
    select judgement, judged_to_s, 0, 0, 0 from judgements
),
moments as (
    select judgement, at_s, sum(enabled) as enabled, sum(good) as good, sum(bad) as bad
    from changes
    group by judgement, at_s
    having sum(enabled) <> 0 or sum(good) <> 0 or sum(bad) <> 0 or bool_or(enabled = 0 and good = 0 and bad = 0)
),
counts as (
    select
        judgement, at_s as start_s,
        lead(at_s) over by_time as end_s,
        sum(enabled) over by_time as enabled,
        sum(good) over by_time as good,
        sum(bad) over by_time as bad
    from moments
    window by_time as (partition by judgement order by at_s rows between unbounded preceding and current row)
),
states as (
    select
        judgement, start_s, end_s, decisive_seconds, initially_down,
        case
            when case unknown_as when 1 then enabled - bad else good end >= needed then 1
            when case unknown_as when 2 then good else enabled - bad end < needed then 2
            else 0
        end as state
    from counts
    join judgements using (judgement)
    where end_s > start_s
),
state_changes as (
    select *, state is distinct from lag(state) over (partition by judgement order by start_s) as changed
    from states
),
numbered as (
    select *, sum(changed::int) over (partition by judgement order by start_s) as run
    from state_changes
),
runs as (
    select
        judgement, any_value(state) as state, min(start_s) as start_s, max(end_s) as end_s,
        any_value(decisive_seconds) as decisive_seconds,
        any_value(initially_down) as initially_down
    from numbered
    group by judgement, run
),
-- Unknown runs of n cells or more break; shorter ones are transparent.
telling as (
    select *, state = 0 as breaks
    from runs
    where state <> 0 or end_s - start_s >= decisive_seconds
),
telling_changes as (
    select *,
        breaks or state is distinct from lag(state) over (partition by judgement order by start_s) as changed
    from telling
),
telling_numbered as (
    select *, sum(changed::int) over (partition by judgement order by start_s) as island
    from telling_changes
),
islands as (
    select
        judgement, island,
        case when any_value(state) <> 0 and sum(end_s - start_s) >= any_value(decisive_seconds)
            then any_value(state) end as decided,
        min(start_s) as onset_s,
        any_value(initially_down) as initially_down
    from telling_numbered
    group by judgement, island
),
decided as (
    select
        judgement, island,
        coalesce(
            last_value(decided ignore nulls) over (
                partition by judgement order by onset_s
                rows between unbounded preceding and current row
            ),
            case when initially_down then 2 else 1 end
        ) as condition
    from islands
)
select
    r.judgement, r.start_s, r.end_s, r.state,
    case when r.state = 0 then '?' when d.condition = 2 then 'd' else 'u' end as availability
from runs r
left join telling_numbered t on t.judgement = r.judgement and t.start_s = r.start_s
left join decided d on d.judgement = t.judgement and d.island = t.island
order by r.judgement, r.start_s
