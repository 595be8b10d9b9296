-- Take out the rollups of steps that are computed again.
-- Grain: channel and step. Inputs: steps (Arrow: channel_key, start_s), $first_s and $last_s: the
-- range they lie in, for zone maps. Idempotent.
delete from rollup_parts
using steps
where rollup_parts.channel_key = steps.channel_key
    and rollup_parts.start_s = steps.start_s
    and rollup_parts.start_s between $first_s and $last_s
