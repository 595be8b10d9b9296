-- Give the rows of a range of channels and time the start of the piece they lie in.
-- Grain: row of latency_histogram. Inputs: pieces (Arrow: channel_key, from_s, to_s). Idempotent.
update latency_histogram
set start_s = pieces.from_s
from pieces
where
    latency_histogram.channel_key = pieces.channel_key
    and latency_histogram.start_s >= pieces.from_s and latency_histogram.start_s < pieces.to_s
    and latency_histogram.start_s >= $from_s and latency_histogram.start_s < $to_s
    and latency_histogram.channel_key >= $first_channel_key and latency_histogram.channel_key <= $last_channel_key
