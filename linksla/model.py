"""What flows from package to package: samples as Arrow, rejects, polls.

Integers only (DESIGN 5): latency and jitter in µs, loss in ppm, throughput in bit/s, so that sums
are exact and every output agrees to the last digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pyarrow as pa

BGP_STATES: Final = (
    "UNKNOWN", "IDLE", "CONNECT", "ACTIVE", "OPENSENT", "OPENCONFIRM", "ESTABLISHED",
)  # fmt: skip
"""BGP states by their number in a sample's `bgp_state` (RFC 4271; 0 = not known)."""
BGP_UNKNOWN: Final = 0
BGP_ESTABLISHED: Final = 6

EVIDENCE_BGP_UNKNOWN: Final = 0
EVIDENCE_BGP_ESTABLISHED: Final = 1
EVIDENCE_BGP_NOT: Final = 2
"""BGP class of a cell (DESIGN 6)."""

LOSS_LADDER_PPM: Final = (
    0, 1_000, 10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
)  # fmt: skip
"""Loss classes of a cell, in ppm; the class is the smallest step ≥ the mean loss (DESIGN 6)."""

SAMPLE_SCHEMA: Final = pa.schema(
    [
        pa.field("circuit_id", pa.string(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("observed_at_us", pa.int64(), nullable=False),
        pa.field("interval_us", pa.int64(), nullable=False),
        pa.field("latency_us", pa.int32()),
        pa.field("jitter_us", pa.int32()),
        pa.field("loss_ppm", pa.int32()),
        pa.field("rx_bps", pa.int64()),
        pa.field("tx_bps", pa.int64()),
        pa.field("bgp_state", pa.uint8(), nullable=False),
        pa.field("bgp_transitions", pa.int64()),
        pa.field("probe", pa.string()),
        pa.field("partition", pa.int16(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("index_in_message", pa.int32(), nullable=False),
        pa.field("append_time_us", pa.int64(), nullable=False),
    ]
)
"""Samples between `ingest` and `processors`: validated, in integers, with where they came from."""


class Reason(StrEnum):
    """Why a sample, or a whole message, was set aside (DESIGN 5)."""

    UNDECODABLE = "undecodable"
    UNKNOWN_SCHEMA = "unknown_schema"
    INVALID_UTF8 = "invalid_utf8"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    IN_THE_FUTURE = "in_the_future"
    INACTIVE = "inactive"
    UNPRINTABLE_NAME = "unprintable_name"
    OVER_LIMIT = "over_limit"


WHOLE_MESSAGE: Final = -1
"""`Reject.index_in_message` of a message that could not be read at all."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One sample (or whole message) that cannot be used, why, and whose it says it is."""

    reason: Reason
    detail: str
    partition: int
    offset: int
    index_in_message: int = WHOLE_MESSAGE
    circuit_id: str | None = field(default=None, compare=False)
    channel: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A Kafka message as it came, kept while its poll is being written."""

    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    append_time_us: int = 0


@dataclass(frozen=True, slots=True)
class Poll:
    """What one round of polling brought: the unit that is written in one transaction.

    `samples` has SAMPLE_SCHEMA, in offset order within a partition. `next_offsets` holds, for each
    partition polled, the offset to continue from. `caught_up_at_us` names the partitions the
    broker confirmed, at that instant, to be read to their end. `raw` finds a message again by
    (partition, offset) for the dead letters.
    """

    topic: str
    samples: pa.Table
    rejects: tuple[Reject, ...]
    next_offsets: Mapping[int, int]
    caught_up_at_us: Mapping[int, int] = field(default_factory=dict)
    raw: Mapping[tuple[int, int], RawMessage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a partition that we cannot read any more, [first_offset, resume_offset).

    `last_offset` None: nobody knows, the stream is another one. `resume_offset` is the earliest
    there is now, `resume_at_us` the append time of the message there, None while there is none.
    """

    partition: int
    first_offset: int
    last_offset: int | None
    resume_offset: int
    resume_at_us: int | None
    detail: str
