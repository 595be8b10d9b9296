-- Give the rows of a range of channels and time the start of the piece they lie in.
-- Grain: row of rollup_parts. Inputs: pieces (Arrow: channel_key, from_s, to_s). Idempotent.
update rollup_parts
set start_s = pieces.from_s
from pieces
where
    rollup_parts.channel_key = pieces.channel_key
    and rollup_parts.start_s >= pieces.from_s and rollup_parts.start_s < pieces.to_s
    and rollup_parts.start_s >= $from_s and rollup_parts.start_s < $to_s
    and rollup_parts.channel_key >= $first_channel_key and rollup_parts.channel_key <= $last_channel_key
