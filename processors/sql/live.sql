-- Where each channel's cells go beyond what is folded: to the end of the latest cell in which any
-- sample of its circuit starts.
-- Grain: channel of a circuit that has such cells. Inputs: channels, channel_progress,
-- channel_reach, $circuit_ids (null: all), $first_key and $last_key, a range their channels lie in.
-- Reads only.
with live as (
    select
        c.channel_key, c.circuit_id, c.grid_seconds, c.active_from_s, c.active_to_s, p.folded_to_s,
        coalesce(r.interval_us_max, 0) as interval_us_max,
        (max(p.observed_at_us_max) over (partition by c.circuit_id) // 1000000 // c.grid_seconds + 1)
        * c.grid_seconds as live_to_s
    from channels as c
    inner join channel_progress as p on c.channel_key = p.channel_key
    left join channel_reach as r on c.channel_key = r.channel_key
    where
        c.channel_key between $first_key and $last_key
        and p.channel_key between $first_key and $last_key
        and ($circuit_ids is null or c.circuit_id in (select unnest($circuit_ids::varchar[])))
)

select
    channel_key, grid_seconds, active_from_s,
    coalesce(active_to_s, $forever_s) as active_to_s, folded_to_s, live_to_s,
    folded_to_s * 1000000 - interval_us_max as lo_us
from live
where folded_to_s < live_to_s
order by channel_key
