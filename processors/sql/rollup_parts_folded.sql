-- Rollups of a range of channels and time, those of a piece where it starts, to be summed.
-- Grain: row of rollup_parts. Inputs: rollup_halves; pieces (Arrow: channel_key, from_s, to_s; apart
-- from each other). Reads only; in no order.
select r.* replace (case when r.start_s < p.to_s then p.from_s else r.start_s end as start_s)
from rollup_halves as r
asof left join pieces as p on r.channel_key = p.channel_key and r.start_s >= p.from_s
where
    r.start_s >= $from_s and r.start_s < $to_s
    and r.channel_key >= $first_channel_key and r.channel_key <= $last_channel_key
