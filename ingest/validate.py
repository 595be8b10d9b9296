"""Are a sample's values possible? Then to integers (DESIGN 5); all rows at once."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.fast_read import text_bytes
from ingest.rows import Flags, Integers, Messages, Rows
from linksla.clock import MICROSECONDS
from linksla.inventory import NAME_CHARACTERS_MAX, printable
from linksla.model import SAMPLE_SCHEMA, Reason, Reject

_FINE: Final = 0
_CODES: Final = (
    None, Reason.OVER_LIMIT, Reason.INVALID_UTF8, Reason.UNPRINTABLE_NAME, Reason.NOT_FINITE,
    Reason.OUT_OF_RANGE, Reason.IN_THE_FUTURE,
)  # fmt: skip
OBSERVED_AT_US_MIN: Final = 946_684_800 * MICROSECONDS  # 2000-01-01
AHEAD_US_MAX: Final = 300 * MICROSECONDS
_INTERVAL_MS_MAX: Final = 86_400_000
_MEASURES: Final = {
    "latency_ms": ("latency_us", 600_000.0, 1_000.0, pa.int32()),
    "jitter_ms": ("jitter_us", 600_000.0, 1_000.0, pa.int32()),
    "loss_ratio": ("loss_ppm", 1.0, 1_000_000.0, pa.int32()),
    "rx_bps": ("rx_bps", 1e15, 1.0, pa.int64()),
    "tx_bps": ("tx_bps", 1e15, 1.0, pa.int64()),
}
"""What it becomes, the greatest value allowed (the least is 0), the factor, the type."""

Values = dict[str, object]
Codes = npt.NDArray[np.int8]
Doubles = npt.NDArray[np.float64]


def validate(rows: Rows, messages: Messages) -> tuple[pa.Table, list[Reject]]:
    """Return the possible samples in SAMPLE_SCHEMA, and a reject for each other one.

    A value becomes the nearest integer of its unit, a half the even one.
    """
    read, count = rows.columns, len(rows.message)
    codes: Codes = np.zeros(count, dtype=np.int8)
    for name in ("circuit_id", "channel", "probe"):
        _check_name(codes, read.column(name), required=name != "probe")
    columns: dict[str, pa.Array] = {}
    for name, (target, most, factor, kind) in _MEASURES.items():
        columns[target] = _measure(codes, read.column(name), most, factor, kind)
    append_time_us = messages.append_time_us[rows.message]
    observed_at_us: Integers = read.column("observed_at_us").to_numpy()
    interval_ms: Integers = read.column("interval_ms").to_numpy()
    _mark(codes, observed_at_us < OBSERVED_AT_US_MIN, Reason.OUT_OF_RANGE)
    _mark(codes, (interval_ms < 1) | (interval_ms > _INTERVAL_MS_MAX), Reason.OUT_OF_RANGE)
    _mark(codes, observed_at_us > append_time_us + AHEAD_US_MAX, Reason.IN_THE_FUTURE)
    columns |= {
        "observed_at_us": read.column("observed_at_us"),
        "interval_us": pa.array(np.where(codes == _FINE, interval_ms, 0) * 1_000),
        "partition": pa.array(messages.partition[rows.message].astype(np.int16)),
        "offset": pa.array(messages.offset[rows.message]),
        "index_in_message": pa.array(rows.index_in_message.astype(np.int32)),
        "append_time_us": pa.array(append_time_us),
    }
    for name in ("circuit_id", "channel", "sequence", "bgp_state", "bgp_transitions", "probe"):
        columns[name] = read.column(name)
    batch = pa.RecordBatch.from_pydict({name: columns[name] for name in SAMPLE_SCHEMA.names})
    rejects: list[Reject] = []
    if codes.any():
        bad = np.flatnonzero(codes)
        values = read.take(pa.array(bad)).to_pylist()
        rejects = [
            _reject(rows, messages, codes, int(row), said)
            for row, said in zip(bad, values, strict=True)
        ]
        batch = batch.filter(pa.array(codes == _FINE))
    arrays = [_as_text(batch.column(f.name), f.type) for f in SAMPLE_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SAMPLE_SCHEMA), rejects


def _as_text(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return bytes that were checked to be UTF-8 as text, without checking again."""
    if not pa.types.is_string(kind):
        return column
    return pa.Array.from_buffers(
        kind, len(column), column.buffers(), column.null_count, column.offset
    )


def _mark(codes: Codes, bad: Flags, reason: Reason) -> None:
    """Give rows a reason, unless they have one."""
    if bad.any():
        codes[bad & (codes == _FINE)] = _CODES.index(reason)


def _measure(
    codes: Codes, column: pa.Array, most: float, factor: float, kind: pa.DataType
) -> pa.Array:
    """Check 0 ≤ value ≤ most and return it times `factor` as an integer; null stays null."""
    mask: Flags | None = None
    if column.null_count:
        mask = column.is_null().to_numpy(zero_copy_only=False)
        column = column.fill_null(0.0)
    values: Doubles = column.to_numpy(zero_copy_only=False)
    possible = (values >= 0) & (values <= most)  # false for a NaN
    if not possible.all():
        finite = np.isfinite(values)
        _mark(codes, ~finite, Reason.NOT_FINITE)
        _mark(codes, finite & ~possible, Reason.OUT_OF_RANGE)
        values = np.where(possible, values, 0.0)
    return pa.array(np.rint(values * factor).astype(kind.to_pandas_dtype()), mask=mask)


def _check_name(codes: Codes, column: pa.Array, *, required: bool) -> None:
    """Mark names that are too long, not UTF-8, not printable, or empty though required."""
    lengths = text_bytes(column)
    if len(lengths) == 0:
        return
    if _printable_ascii(column):
        _mark(codes, lengths > NAME_CHARACTERS_MAX, Reason.OVER_LIMIT)
    else:
        _check_distinct(codes, column)
    if required:
        _mark(codes, lengths == 0, Reason.UNPRINTABLE_NAME)


def _printable_ascii(column: pa.Array) -> bool:
    """Return whether all bytes of a column are 0x20 to 0x7E: one look at its buffer."""
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)
    first, last = int(bounds[column.offset]), int(bounds[column.offset + len(column)])
    if first == last:
        return True
    text = np.frombuffer(data, dtype=np.uint8)[first:last]
    return bool(text.min() >= 0x20 and text.max() <= 0x7E)


def _check_distinct(codes: Codes, column: pa.Array) -> None:
    """Judge each distinct name once."""
    encoded = column.dictionary_encode()
    verdicts = [_name_reason(name) for name in encoded.dictionary.to_pylist()]
    place: Integers = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for reason in {verdict for verdict in verdicts if verdict is not None}:
        bad = np.array([verdict is reason for verdict in verdicts] + [False])
        _mark(codes, bad[place], reason)


def _name_reason(name: bytes) -> Reason | None:
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return Reason.INVALID_UTF8
    if len(text) > NAME_CHARACTERS_MAX:
        return Reason.OVER_LIMIT
    return None if printable(text) else Reason.UNPRINTABLE_NAME


def _reject(rows: Rows, messages: Messages, codes: Codes, row: int, values: Values) -> Reject:
    reason = _CODES[codes[row]]
    assert reason is not None  # noqa: S101
    message = int(rows.message[row])
    return Reject(
        reason,
        _DETAILS[reason](values, int(messages.append_time_us[message])),
        int(messages.partition[message]),
        int(messages.offset[message]),
        int(rows.index_in_message[row]),
        _known_name(values["circuit_id"]),
        _known_name(values["channel"]),
    )


def _known_name(content: object) -> str | None:
    """Return a name that can be somebody's, or None."""
    if not isinstance(content, bytes) or not content or _name_reason(content):
        return None
    return content.decode()


def _name_detail(values: Values, _: int) -> str:
    for name in ("circuit_id", "channel", "probe"):
        content = values[name]
        if isinstance(content, bytes) and (not content or _name_reason(content)):
            return f"{name} is {ascii(content.decode('utf-8', 'backslashreplace'))[:100]}"
    return "a name"


def _range_detail(values: Values, _: int) -> str:
    for name, (_target, most, *_rest) in _MEASURES.items():
        value = values[name]
        if isinstance(value, float) and not 0 <= value <= most:
            return f"{name} is {value!r}, allowed are 0 to {most:g}"
    interval = values["interval_ms"]
    if isinstance(interval, int) and not 1 <= interval <= _INTERVAL_MS_MAX:
        return f"interval_ms is {interval}, allowed are 1 to {_INTERVAL_MS_MAX}"
    return f"observed_at is {values['observed_at_us']} µs, before the year 2000"


def _future_detail(values: Values, append_time_us: int) -> str:
    observed = values["observed_at_us"]
    ahead = observed - append_time_us if isinstance(observed, int) else 0
    return f"observed_at is {ahead / MICROSECONDS:.0f} s ahead of the append time, allowed are 300"


_DETAILS: Final[dict[Reason, Callable[[Values, int], str]]] = {
    Reason.OVER_LIMIT: _name_detail,
    Reason.INVALID_UTF8: _name_detail,
    Reason.UNPRINTABLE_NAME: _name_detail,
    Reason.NOT_FINITE: _range_detail,
    Reason.OUT_OF_RANGE: _range_detail,
    Reason.IN_THE_FUTURE: _future_detail,
}
