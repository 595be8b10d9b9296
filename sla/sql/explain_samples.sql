-- Samples that bear on a range, a page at a time, each with its place in Kafka.
-- Grain: sample. Inputs: channel_keys, a list; first_us, last_us: the range, with what an earlier
-- sample may still hold of it; from_us: where the range begins; after_us and after_key: the last row
-- of the page before (-1: none); rows. `moved`: the Parquet files that may hold some, lent.
-- Of two with one key the higher generation stands; `samples` is above all files. Pure.
with kept as (
    select * exclude (generation), generation
    from moved
    where observed_at_us >= $first_us and observed_at_us < $last_us
    union all by name
    select *, 9223372036854775807 as generation
    from samples
    where observed_at_us >= $first_us and observed_at_us < $last_us
)
select
    channel_key, observed_at_us, interval_us, sequence, latency_us, jitter_us, loss_ppm, rx_bps,
    tx_bps, bgp_state, probe, "partition", "offset", index_in_message
from kept
where channel_key in (select unnest($channel_keys))
    and (observed_at_us >= $from_us or observed_at_us + interval_us > $from_us)
    and (observed_at_us, channel_key) > ($after_us, $after_key)
qualify generation = max(generation) over (partition by channel_key, observed_at_us)
order by observed_at_us, channel_key
limit $rows
