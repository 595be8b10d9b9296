"""Rows of a file in, samples in wire form out: vectorised, with a reason for each row left out.

A file's columns arrive as they are typed there (text from CSV). Nothing here reads files.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingest.mapping import FACTORS, Column, Mapping, nearest
from linksla.errors import UsageError
from linksla.model import BGP_STATES
from linksla.wire import WIRE_SCHEMA

EXAMPLES_MAX: Final = 20
_EMPTY: Final = ("", "-", "na", "n/a", "nan", "null", "none")
_REQUIRED: Final = ("circuit_id", "channel", "observed_at", "interval_ms")
_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_WHOLE_MAX: Final = 2**53  # beyond it, doubles no longer tell whole numbers apart
_OFFSET: Final = r"(?:[Zz]|[+-]\d\d:?\d\d)$"
_DIGITS: Final = r"^\d{9,18}$"
_EPOCH_UNITS: Final = ((10**11, 10**6, 1), (10**14, 10**3, 1), (10**17, 1, 1), (2**63, 1, 10**3))
"""An epoch time below the first number is in s, then ms, µs, ns: (below, times, divided by).
10^11 s is the year 5138, 10^11 ms is 1973: no instant of a link lies between."""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """One row that was left out. `row` counts a file's data rows from 1 (CSV: without header)."""

    file: str
    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        """Return file, row, column and what is wrong."""
        return f"{self.file}: row {self.row}, column {self.column}: {self.reason}"


@dataclass(slots=True)
class Skipped:
    """All rows left out: how many for which reason, and the first of them."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[SkippedRow] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return how many rows were left out."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file the rows are from, and the number of the first of them."""

    file: str
    stem: str
    first_row: int


def needed_columns(mapping: Mapping, present: Sequence[str], file: str) -> list[str]:
    """Return the columns of a file that the mapping uses.

    Raises:
        UsageError: one is not there (the nearest is named), or a required field has no source.
    """
    needed = []
    for target in WIRE_SCHEMA.names:
        source = mapping.columns.get(target)
        if source is None:
            if target in present:
                needed.append(target)
            elif target in _REQUIRED:
                raise UsageError(
                    f"nothing is mapped to {target}", where=file,
                    hint=f"Add --map {target}=COLUMN or {target}==VALUE. "
                    f"The file has: {', '.join(present)}.",
                )  # fmt: skip
        elif source.column is not None:
            if source.column not in present:
                raise UsageError(
                    f"there is no column {source.column!r} for {target}", where=file,
                    hint=nearest(source.column, present),
                )  # fmt: skip
            needed.append(source.column)
    return list(dict.fromkeys(needed))


def to_wire(table: pa.Table, mapping: Mapping, origin: Origin, skipped: Skipped) -> pa.Table:
    """Return the rows as samples in WIRE_SCHEMA, in the file's order.

    Where `sequence` is not mapped it is 0, for the caller to fill. Rows that cannot be read, or
    lack what a sample must have, go to `skipped` with the first reason found.
    """
    rows = _Rows(table, mapping, origin, skipped)
    latency, loss = _lost(rows.number("latency_ms"), rows.number("loss_ratio"), mapping)
    columns = {
        "circuit_id": rows.text("circuit_id"),
        "channel": rows.text("channel"),
        "sequence": pc.fill_null(rows.whole("sequence", pa.int64()), 0),
        "observed_at": rows.instants(),
        "interval_ms": rows.whole("interval_ms", pa.int32()),
        "latency_ms": latency,
        "jitter_ms": rows.number("jitter_ms"),
        "loss_ratio": loss,
        "rx_bps": rows.number("rx_bps"),
        "tx_bps": rows.number("tx_bps"),
        "bgp_state": rows.bgp_states(),
        "bgp_transitions": rows.whole("bgp_transitions", pa.int64()),
        "probe": rows.text("probe"),
    }
    for target in _REQUIRED:
        rows.skip(target, pc.is_null(columns[target]), "is empty")
    good = rows.finish()
    arrays = [columns[name].filter(good) for name in WIRE_SCHEMA.names]
    return pa.Table.from_arrays(arrays, schema=WIRE_SCHEMA)


def _lost(latency: pa.Array, loss: pa.Array, mapping: Mapping) -> tuple[pa.Array, pa.Array]:
    """Return latency and loss, with what the mapping calls lost as null and 1."""
    if "loss_ratio" in mapping.columns or loss.null_count < len(loss):
        return latency, loss
    rule = mapping.lost
    measured = pc.and_(pc.greater(latency, rule.above), pc.less(latency, rule.below))
    if rule.empty:
        measured = pc.fill_null(measured, False)
    kept = pc.if_else(measured, latency, pa.scalar(None, pa.float64()))
    return kept, pc.if_else(measured, pa.scalar(0.0), pa.scalar(1.0))  # null: nothing was said


class _Rows:
    """The columns of one table, read field by field; remembers which rows are bad and why."""

    def __init__(self, table: pa.Table, mapping: Mapping, origin: Origin, skipped: Skipped) -> None:
        self._table = table
        self._mapping = mapping
        self._origin = origin
        self._skipped = skipped
        self._bad: dict[int, SkippedRow] = {}

    def skip(self, target: str, bad: pa.Array, reason: str, shown: pa.Array | None = None) -> None:
        """Leave out the rows where `bad` is true; the first reason of a row counts."""
        for index in pc.indices_nonzero(pc.fill_null(bad, False)).to_pylist():
            if index not in self._bad:
                said = f"{shown[index].as_py()!s} {reason}" if shown is not None else reason
                row = self._origin.first_row + index
                self._bad[index] = SkippedRow(self._origin.file, row, self._label(target), said)
                self._skipped.counts[f"{self._label(target)} {reason}"] += 1

    def finish(self) -> pa.Array:
        """Return which rows are good, and note examples of the others."""
        room = EXAMPLES_MAX - len(self._skipped.examples)
        self._skipped.examples.extend(self._bad[index] for index in sorted(self._bad)[:room])
        bad = pa.array(sorted(self._bad), pa.int64())
        return pc.invert(pc.is_in(pa.array(range(self._table.num_rows), pa.int64()), bad))

    def text(self, target: str) -> pa.Array:
        """Return a field as trimmed text; empty is null."""
        trimmed = pc.utf8_trim_whitespace(self._values(target).cast(pa.string()))
        return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)

    def number(self, target: str) -> pa.Array:
        """Return a field as doubles in the wire's unit."""
        values = self._values(target)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = self._numeric_text(target, values)
        try:
            numbers = values.cast(pa.float64())
        except pa.ArrowException:
            raise UsageError(
                f"column {self._label(target)!r} holds {values.type}, not numbers",
                where=self._origin.file, hint=f"Map {target} to a column of numbers.",
            ) from None  # fmt: skip
        source = self._mapping.columns.get(target)
        unit = source.unit if source is not None else None
        return numbers if unit is None else pc.multiply(numbers, FACTORS[target][unit])

    def _numeric_text(self, target: str, values: pa.Array) -> pa.Array:
        values = pc.utf8_trim_whitespace(values.cast(pa.string()))
        source = self._mapping.columns.get(target)
        constant = source is not None and source.constant is not None
        if self._mapping.csv.decimal == "," and not constant:
            values = pc.replace_substring(values, ",", ".")
        nothing = pa.scalar(None, pa.string())
        empty = pc.is_in(pc.utf8_lower(values), pa.array(_EMPTY))
        values = pc.if_else(empty, nothing, values)
        fits = pc.match_substring_regex(values, _NUMBER)
        self.skip(target, pc.invert(fits), "is not a number", values)
        return pc.if_else(fits, values, nothing)

    def whole(self, target: str, kind: pa.DataType) -> pa.Array:
        """Return a field as integers; a fraction or what does not fit leaves the row out."""
        values = self._values(target)
        if kind == pa.int64() and pa.types.is_integer(values.type):
            return values.cast(pa.int64(), safe=False)  # exact beyond what a double holds
        numbers = self.number(target)
        most = _WHOLE_MAX if kind == pa.int64() else 2**31 - 1
        fits = pc.and_(
            pc.equal(pc.round(numbers), numbers), pc.less_equal(pc.abs(numbers), float(most))
        )
        self.skip(target, pc.invert(fits), f"is no whole number up to {most}", numbers)
        return pc.if_else(fits, numbers, pa.scalar(None, pa.float64())).cast(kind)

    def bgp_states(self) -> pa.Array:
        """Return BGP states by name, in any case; none means UNKNOWN, and so does an empty one."""
        states = pc.fill_null(pc.utf8_upper(self.text("bgp_state")), "UNKNOWN")
        known = pc.is_in(states, pa.array(BGP_STATES))
        self.skip("bgp_state", pc.invert(known), f"is none of {', '.join(BGP_STATES)}", states)
        return states

    def instants(self) -> pa.Array:
        """Return `observed_at` as naive UTC in µs, tried in each format of the mapping."""
        values = self._values("observed_at")
        if pa.types.is_timestamp(values.type):
            if values.type.tz is not None:
                return values.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.timestamp("us"))
            return self._from_local(values.cast(pa.timestamp("us"), safe=False))
        if pa.types.is_integer(values.type):
            return _from_epoch(values.cast(pa.int64()))
        if pa.types.is_floating(values.type):  # seconds with a fraction
            return pc.round(pc.multiply(values, 1e6)).cast(pa.int64()).cast(pa.timestamp("us"))
        return self._parsed(self.text("observed_at"))

    def _parsed(self, texts: pa.Array) -> pa.Array:
        found = pa.nulls(len(texts), pa.timestamp("us"))
        for name in self._mapping.times.formats:
            unread = pc.and_(pc.is_null(found), pc.is_valid(texts))
            if not pc.any(unread).as_py():
                break
            rest = pc.if_else(unread, texts, pa.scalar(None, pa.string()))
            found = pc.coalesce(found, self._in_format(rest, name))
        unread = pc.and_(pc.is_null(found), pc.is_valid(texts))
        tried = ", ".join(self._mapping.times.formats)
        self.skip("observed_at", unread, f"is no instant (tried {tried})", texts)
        return found

    def _in_format(self, texts: pa.Array, name: str) -> pa.Array:
        nothing = pa.scalar(None, pa.string())
        if name == "epoch":
            digits = pc.match_substring_regex(texts, _DIGITS)
            return _from_epoch(pc.if_else(digits, texts, nothing).cast(pa.int64()))
        offset = pc.match_substring_regex(texts, _OFFSET)
        layout = "ISO8601" if name == "iso" else name
        local = _parse(pc.if_else(offset, nothing, texts), layout)
        with_offset = _parse(pc.if_else(offset, texts, nothing), layout)
        return pc.coalesce(self._from_local(local), with_offset)

    def _from_local(self, local: pa.Array) -> pa.Array:
        """Return local times as UTC; a row is left out where a clock change makes them doubtful."""
        zone = self._mapping.times.zone
        early, late = (
            pc.assume_timezone(local, zone, ambiguous=choice, nonexistent=choice)
            .cast(pa.timestamp("us", "UTC"))
            .cast(pa.timestamp("us"))
            for choice in ("earliest", "latest")
        )
        doubtful = pc.not_equal(early, late)
        self.skip("observed_at", doubtful, f"is not one instant in {zone}", local)
        return early

    def _values(self, target: str) -> pa.Array:
        source = self._mapping.columns.get(target, Column(column=target))
        if source.constant is not None:
            text = source.constant.replace("{stem}", self._origin.stem)
            return pa.repeat(pa.scalar(text), self._table.num_rows)
        if source.column not in self._table.column_names:
            return pa.nulls(self._table.num_rows, pa.string())
        column = self._table.column(source.column).combine_chunks()
        kind = column.type
        return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column

    def _label(self, target: str) -> str:
        source = self._mapping.columns.get(target)
        return source.column if source is not None and source.column is not None else target


def _parse(texts: pa.Array, layout: str) -> pa.Array:
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), pa.timestamp("us"))
    parsed = pd.to_datetime(
        pd.Series(texts.to_pylist(), dtype="object"), format=layout, errors="coerce", utc=True
    )
    return pa.Array.from_pandas(parsed.dt.tz_localize(None)).cast(pa.timestamp("us"), safe=False)


def _from_epoch(values: pa.Array) -> pa.Array:
    found = pa.nulls(len(values), pa.int64())
    size = pc.abs(values)
    for below, times, divisor in _EPOCH_UNITS:
        fits = pc.and_(pc.is_null(found), pc.less(size, pa.scalar(below - 1, pa.int64())))
        kept = pc.if_else(fits, values, pa.scalar(None, pa.int64()))
        found = pc.coalesce(found, pc.divide(pc.multiply(kept, times), divisor))
    return found.cast(pa.timestamp("us"))
