-- The share of seconds with BGP established, of those where its state is known.
-- Grain: channel and bin that has any. Inputs: channel_keys, first_key and last_key of them;
-- [start, end), step; owned_* (parallel lists): what of the time may be seen. Pure.
with pieces as materialized (
    select unnest($owned_from_s) as from_s, unnest($owned_to_s) as to_s
),
known as (
    select channel_key, bgp, greatest(s.start_s, p.from_s, $start_s) as start_s,
        least(s.end_s, p.to_s, $end_s) as end_s
    from spans s
    join pieces p on s.start_s < p.to_s and s.end_s > p.from_s
    where s.channel_key between $first_key and $last_key
        and list_contains($channel_keys, s.channel_key) and bgp <> 0
        and s.end_s > $start_s and s.start_s < $end_s
),
cut as (
    select channel_key, bgp, start_s, end_s,
        unnest(range((start_s - $start_s) // $step_s, (end_s - 1 - $start_s) // $step_s + 1)) as bin
    from known
    where start_s < end_s
),
seconds as (
    select channel_key, bin, bgp,
        least(end_s, $start_s + (bin + 1) * $step_s) - greatest(start_s, $start_s + bin * $step_s)
            as seconds
    from cut
)
select
    channel_key, bin,
    sum(case when bgp = 1 then seconds else 0 end)::double / sum(seconds)::double as share
from seconds
group by channel_key, bin
order by channel_key, bin
