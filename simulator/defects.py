"""Corrupt messages and samples, each with exactly one thing wrong, and the reason it deserves."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from linksla.model import Reason
from linksla.wire import WIRE_SCHEMA, encode
from simulator.faults import Defect

REASON_OF: Final = {
    Defect.TRUNCATED: Reason.UNDECODABLE,
    Defect.TRAILING_BYTES: Reason.UNDECODABLE,
    Defect.NOT_AVRO: Reason.UNDECODABLE,
    Defect.UNKNOWN_ID: Reason.UNKNOWN_SCHEMA,
    Defect.UNKNOWN_FINGERPRINT: Reason.UNKNOWN_SCHEMA,
    Defect.INVALID_UTF8: Reason.INVALID_UTF8,
    Defect.TOO_MANY_SAMPLES: Reason.OVER_LIMIT,
    Defect.NOT_A_NUMBER: Reason.NOT_FINITE,
    Defect.INFINITE: Reason.NOT_FINITE,
    Defect.LOSS_ABOVE_ONE: Reason.OUT_OF_RANGE,
    Defect.NEGATIVE_LATENCY: Reason.OUT_OF_RANGE,
    Defect.CONTROL_CHARACTER: Reason.UNPRINTABLE_NAME,
    Defect.BIDIRECTIONAL: Reason.UNPRINTABLE_NAME,
    Defect.FAR_FUTURE: Reason.IN_THE_FUTURE,
    Defect.BEFORE_ACTIVE: Reason.INACTIVE,
}
"""Why linksla must refuse each defect (DESIGN 5)."""

SAMPLES_PER_MESSAGE_MAX: Final = 10_000
_UNKNOWN_ID: Final = (987_654).to_bytes(4, "big")
_UNKNOWN_FINGERPRINT: Final = bytes.fromhex("0123456789abcdef")
_MARKER: Final = "=marker="


@dataclass(frozen=True, slots=True)
class CorruptMessage:
    """A whole message that cannot be read."""

    value: bytes


@dataclass(frozen=True, slots=True)
class CorruptSample:
    """A row (WIRE_SCHEMA) that can be read but not used; its neighbours in a batch can."""

    row: pa.Table


def corrupt(good: pa.Table, defect: Defect, active_from_s: int) -> CorruptMessage | CorruptSample:
    """Return a good sample (one row, WIRE_SCHEMA) with `defect`.

    `active_from_s`: when its circuit became active.
    """
    whole = _corrupt_message(good, defect)
    if whole is not None:
        return CorruptMessage(whole)
    row = good.to_pylist()[0]
    row.update(_wrong(row["channel"], defect, active_from_s))
    return CorruptSample(pa.Table.from_pylist([row], schema=WIRE_SCHEMA))


def _corrupt_message(good: pa.Table, defect: Defect) -> bytes | None:
    (single,) = encode(good, batch=1)
    match defect:
        case Defect.TRUNCATED:
            return single[:-7]
        case Defect.TRAILING_BYTES:
            return single + b"\x02\x04"
        case Defect.NOT_AVRO:
            return b'{"circuit_id": "not avro", "latency_ms": 3.2}'
        case Defect.UNKNOWN_ID:
            return b"\x00" + _UNKNOWN_ID + single[10:]
        case Defect.UNKNOWN_FINGERPRINT:
            return single[:2] + _UNKNOWN_FINGERPRINT + single[10:]
        case Defect.INVALID_UTF8:
            marked = good.set_column(
                WIRE_SCHEMA.get_field_index("probe"),
                WIRE_SCHEMA.field("probe"),
                pa.array([_MARKER], pa.string()),
            )
            (value,) = encode(marked, batch=1)
            return value.replace(_MARKER.encode(), b"\xff\xfe\xc0\xaf\xed\xa0\x80\xf5")
        case Defect.TOO_MANY_SAMPLES:
            many = pa.concat_tables([good] * (SAMPLES_PER_MESSAGE_MAX + 1))
            (value,) = encode(many, batch=SAMPLES_PER_MESSAGE_MAX + 1)
            return value
        case _:
            return None


def _wrong(channel: str, defect: Defect, active_from_s: int) -> dict[str, object]:
    match defect:
        case Defect.NOT_A_NUMBER:
            return {"latency_ms": float("nan")}
        case Defect.INFINITE:
            return {"rx_bps": float("inf")}
        case Defect.LOSS_ABOVE_ONE:
            return {"loss_ratio": 1.5}
        case Defect.NEGATIVE_LATENCY:
            return {"latency_ms": -3.0}
        case Defect.CONTROL_CHARACTER:
            return {"channel": f"{channel}\x07"}
        case Defect.BIDIRECTIONAL:
            return {"channel": f"\u202e{channel}"}
        case Defect.FAR_FUTURE:
            return {"observed_at": datetime(2100, 1, 1, tzinfo=UTC).replace(tzinfo=None)}
        case Defect.BEFORE_ACTIVE:
            before = datetime.fromtimestamp(active_from_s - 3600, UTC)
            return {"observed_at": before.replace(tzinfo=None)}
        case _:
            message = f"{defect} breaks a whole message"
            raise AssertionError(message)
