-- Rollups of a range of channels and time, to be summed by step; sums of bit/s in halves.
-- Grain: row of rollup_parts. Inputs: rollup_parts. Reads only; in no order.
select
    * exclude (rx_sum_bps, tx_sum_bps),
    (rx_sum_bps >> 32)::bigint as rx_sum_high, (rx_sum_bps & 4294967295)::bigint as rx_sum_low,
    (tx_sum_bps >> 32)::bigint as tx_sum_high, (tx_sum_bps & 4294967295)::bigint as tx_sum_low
from rollup_parts
where
    start_s >= $from_s and start_s < $to_s
    and channel_key >= $first_channel_key and channel_key <= $last_channel_key
