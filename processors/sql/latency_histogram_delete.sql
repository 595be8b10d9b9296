-- Take out the latency counts of steps that are computed again.
-- Grain: channel and step. Inputs: steps (Arrow: channel_key, start_s), $first_s and $last_s: the
-- range they lie in, for zone maps. Idempotent.
delete from latency_histogram
using steps
where latency_histogram.channel_key = steps.channel_key
    and latency_histogram.start_s = steps.start_s
    and latency_histogram.start_s between $first_s and $last_s
