"""What is known of channels over time: spans that say something, complete and provisional."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from linksla.sql import statement
from processors.observations import Bool, Int64, integers
from processors.runs import LOSS_CLASS_UNKNOWN, Runs
from processors.sorting import sort_order

_COLUMNS: Final = ("channel_key", "start_s", "end_s", "bgp", "loss_class")
_EVIDENCE: Final = len(_COLUMNS)
_LOW: Final = np.uint64(0xFFFFFFFF)
_LISTED_MAX: Final = 8  # of so few channels a list is looked through sooner than a hash is made


@dataclass(frozen=True, slots=True)
class LiveSpan:
    """A provisional span: evidence beyond what is complete."""

    channel_key: int
    start_s: int
    end_s: int
    bgp: int
    loss_class: int | None


@dataclass(frozen=True, slots=True)
class ReadSpans:
    """All complete spans of some channels, read once for all that is asked of them.

    A page asks six times; each question of the table costs 8 ms at 80,000 channels. `table`: a row
    for each figure (the evidence as in `Runs`, and what marks add up to), a column for a span, or
    for several that follow each other and say the same.
    """

    table: Int64

    @classmethod
    def of(
        cls, cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], from_s: int = 0
    ) -> "ReadSpans":
        """Read the spans of channels that begin at `from_s` or later."""
        if not channel_keys:
            return cls.together([])
        asked = {
            "channel_keys": list(channel_keys),
            "first_key": min(channel_keys),
            "last_key": max(channel_keys),
            "from_s": from_s,
        }
        # as arrays: a relation is bound twice before it runs, 0.7 ms
        name = "circuit_spans" if len(channel_keys) <= _LISTED_MAX else "circuits_spans"
        found = cursor.execute(statement("sla", name), asked).fetchnumpy()
        runs = Runs(*(np.asarray(found[name], np.int64) for name in _COLUMNS))
        return cls.each(runs, np.asarray(found["mark"], np.uint64))

    @classmethod
    def each(cls, runs: Runs, marks: npt.NDArray[np.uint64]) -> "ReadSpans":
        """Return spans with the mark of each."""
        # Sums of halves are exact in int64 up to 2**31 spans; of the whole they would wrap.
        halves = (marks >> np.uint64(32)).astype(np.int64), (marks & _LOW).astype(np.int64)
        evidence = runs.track, runs.start_s, runs.end_s, runs.bgp, runs.loss_class
        return cls(np.stack([*evidence, np.ones(len(runs), np.int64), *halves]))

    @property
    def runs(self) -> Runs:
        """The evidence."""
        return Runs(*self.table[:_EVIDENCE])

    def __len__(self) -> int:
        return len(self.table[0])

    def take(self, rows: Bool | slice) -> "ReadSpans":
        """Return some of the spans."""
        return ReadSpans(self.table[:, rows])

    @classmethod
    def together(cls, parts: Sequence["ReadSpans"]) -> "ReadSpans":
        """Return all spans of some."""
        nothing = np.zeros((_EVIDENCE + 3, 0), np.int64)
        return cls(np.concatenate([nothing, *(part.table for part in parts)], axis=1))

    def merged(self) -> "ReadSpans":
        """Return spans that follow each other and say the same as one; by channel and time."""
        if len(self) == 0:
            return self
        table = self.table[:, sort_order(self.table[0], self.table[1])]
        track, start, end, *said = table[:_EVIDENCE]
        goes_on = (track[1:] == track[:-1]) & (start[1:] == end[:-1])
        for value in said:
            goes_on &= value[1:] == value[:-1]
        first = np.flatnonzero(np.append(True, ~goes_on))
        found = table[:, first]
        found[2] = end[np.append(first[1:], len(end)) - 1]
        found[_EVIDENCE:] = np.add.reduceat(table[_EVIDENCE:], first, axis=1)
        return ReadSpans(found)

    def fingerprints(self, circuits: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, int]]:
        """Return the number of spans and the sum of their marks, by circuit that has any.

        `circuits`: the channel keys of each. The same as `fingerprints.sql`, to the last bit.
        """
        keys, row = np.unique(self.table[0], return_inverse=True)
        sums = np.zeros((3, len(keys)), np.int64)
        for total, part in zip(sums, self.table[_EVIDENCE:], strict=True):
            np.add.at(total, row, part)
        by_key = {key: values for key, *values in zip(keys.tolist(), *sums.tolist(), strict=True)}
        found = {}
        for name, channel_keys in circuits.items():
            parts = [by_key[key] for key in channel_keys if key in by_key]
            if parts:
                spans, high, low = (sum(column) for column in zip(*parts, strict=True))
                found[name] = spans, (high << 32) + low
        return found

    def within(self, channel_keys: Sequence[int], from_s: int, to_s: int) -> Runs:
        """Return the spans of channels that say something and reach into [from_s, to_s)."""
        runs = self.runs
        says = (runs.bgp != 0) | (runs.loss_class != LOSS_CLASS_UNKNOWN)
        reaches = (runs.start_s < to_s) & (runs.end_s > from_s)
        return runs.take(says & reaches & np.isin(runs.track, channel_keys))


SpanSource = ReadSpans | duckdb.DuckDBPyConnection
"""Spans that were read already, or the snapshot they are read from."""


def known_spans(
    source: SpanSource,
    channel_keys: Iterable[int],
    from_s: int,
    to_s: int,
    live: Sequence[LiveSpan] = (),
) -> Runs:
    """Return the spans of channels that reach into [from_s, to_s), by channel_key and time."""
    keys = sorted(set(channel_keys))
    if not keys:
        return Runs.none()
    complete = (
        source.within(keys, from_s, to_s)
        if isinstance(source, ReadSpans)
        else _read(source, keys, from_s, to_s)
    )
    return Runs.together([complete, _provisional(live)]).ordered()


def _read(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], from_s: int, to_s: int) -> Runs:
    asked = {
        "channel_keys": list(keys),
        "first_key": keys[0],
        "last_key": keys[-1],
        "from_s": from_s,
        "to_s": to_s,
    }
    found = cursor.sql(statement("sla", "evidence"), params=asked).to_arrow_table()
    return Runs(*(integers(found, name) for name in _COLUMNS))


def _provisional(live: Sequence[LiveSpan]) -> Runs:
    rows = [
        (
            span.channel_key,
            span.start_s,
            span.end_s,
            span.bgp,
            LOSS_CLASS_UNKNOWN if span.loss_class is None else span.loss_class,
        )
        for span in live
        if span.bgp or span.loss_class is not None
    ]
    return Runs(*np.array(rows, np.int64).reshape(-1, 5).T)
