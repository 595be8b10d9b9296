"""What is known of channels over time: spans that say something, complete and provisional."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from linksla.sql import statement
from processors.observations import Bool, integers
from processors.runs import LOSS_CLASS_UNKNOWN, Runs

_COLUMNS: Final = ("channel_key", "start_s", "end_s", "bgp", "loss_class")
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

    A page asks six times; each question of the table costs 8 ms at 80,000 channels.
    """

    runs: Runs
    marks: npt.NDArray[np.uint64]

    @classmethod
    def of(
        cls, cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], from_s: int = 0
    ) -> "ReadSpans":
        """Read the spans of channels that begin at `from_s` or later."""
        if not channel_keys:
            return cls(Runs.none(), np.zeros(0, np.uint64))
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
        return cls(runs, np.asarray(found["mark"], np.uint64))

    def take(self, rows: Bool) -> "ReadSpans":
        """Return some of the spans."""
        return ReadSpans(self.runs.take(rows), self.marks[rows])

    @classmethod
    def together(cls, parts: Sequence["ReadSpans"]) -> "ReadSpans":
        """Return all spans of some."""
        return cls(
            Runs.together([Runs.none(), *(part.runs for part in parts)]),
            np.concatenate([np.zeros(0, np.uint64), *(part.marks for part in parts)]),
        )

    def fingerprints(self, circuits: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, int]]:
        """Return the number of spans and the sum of their marks, by circuit that has any.

        `circuits`: the channel keys of each. The same as `fingerprints.sql`, to the last bit.
        """
        keys, row = np.unique(self.runs.track, return_inverse=True)
        # Sums of halves are exact in int64 up to 2**31 spans; of the whole they would wrap.
        halves = self.marks >> np.uint64(32), self.marks & np.uint64(0xFFFFFFFF)
        sums = np.zeros((3, len(keys)), np.int64)
        for total, part in zip(sums, (np.ones(len(row)), *halves), strict=True):
            np.add.at(total, row, part.astype(np.int64))
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
