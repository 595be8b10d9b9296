-- Take out samples that a newcomer with the same key replaces.
-- Grain: sample. Inputs: replaced (Arrow: channel_key, observed_at_us), $first_us and $last_us: the
-- range they lie in, for zone maps. Idempotent.
delete from samples
using replaced
where samples.channel_key = replaced.channel_key
    and samples.observed_at_us = replaced.observed_at_us
    and samples.observed_at_us between $first_us and $last_us
