-- How many samples bear on a range, and between which Kafka offsets they lie.
-- Grain: channel and partition. Inputs: as for explain_samples. Pure.
with kept as (
    select
        channel_key, observed_at_us, interval_us, "partition", "offset", generation
    from moved
    where observed_at_us >= $first_us and observed_at_us < $last_us
    union all by name
    select
        channel_key, observed_at_us, interval_us, "partition", "offset",
        9223372036854775807 as generation
    from samples
    where observed_at_us >= $first_us and observed_at_us < $last_us
),
standing as (
    select *
    from kept
    where channel_key in (select unnest($channel_keys))
        and (observed_at_us >= $from_us or observed_at_us + interval_us > $from_us)
    qualify generation = max(generation) over (partition by channel_key, observed_at_us)
)
select channel_key, "partition", min("offset"), max("offset"), count(*)
from standing
group by channel_key, "partition"
order by channel_key, "partition"
