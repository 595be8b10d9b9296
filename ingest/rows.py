"""Samples as they were read, before anything is known about their values."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

READ_SCHEMA: Final = pa.schema(
    [
        pa.field("circuit_id", pa.binary(), nullable=False),
        pa.field("channel", pa.binary(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("observed_at_us", pa.int64(), nullable=False),
        pa.field("interval_ms", pa.int64(), nullable=False),
        pa.field("latency_ms", pa.float64()),
        pa.field("jitter_ms", pa.float64()),
        pa.field("loss_ratio", pa.float64()),
        pa.field("rx_bps", pa.float64()),
        pa.field("tx_bps", pa.float64()),
        pa.field("bgp_state", pa.uint8(), nullable=False),
        pa.field("bgp_transitions", pa.int64()),
        pa.field("probe", pa.binary()),
    ]
)
"""`LinkSample` with text as bytes (nobody has looked whether it is UTF-8) and BGP as a number."""

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in READ_SCHEMA, the message each came from (a number within the poll) and its place."""

    columns: pa.RecordBatch
    message: Integers
    index_in_message: Integers


@dataclass(frozen=True, slots=True)
class Messages:
    """A poll's messages, column by column; `headers` holds only those that have some."""

    values: list[bytes | None]
    headers: dict[int, list[tuple[str, bytes | None]]]
    partition: Integers
    offset: Integers
    append_time_us: Integers
