"""What complete rollup steps of many channels come to, by channel key: whole numbers in columns.

Read from the store, or taken from what the writer has just written: 80,000 rows a minute at 20,000
circuits, which it took 26 ms to read again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import duckdb
import numpy as np
import pyarrow as pa

from linksla.compiled import BOOLS, INT64, INT64S, INT64S_OWN, compiled
from linksla.sql import statement
from processors.distributions import Counts
from processors.observations import Bool, Int64, integers
from processors.rollups import Rollups

_HELD_ROWS_MAX: Final = 400_000
"""Rows of some 300 bytes that wait for who watches them, a few minutes of 20,000 circuits. What is
more, as when a node catches up, is read: then it is worth it."""

Sums = Mapping[str, Int64]
"""`observed`, `total`, `most`, and of latency those `lost`: by channel key."""


class Steps(Protocol):
    """Complete steps of channels, each from an instant to another."""

    def sums(self, metric: str) -> Sums:
        """Return what was observed of latency, loss or jitter, by channel key."""
        ...

    def within(self, bucket_max: int) -> Int64:
        """Return how many latencies lie in buckets up to the greatest one, by channel key."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which steps: [from_s, to_s) by channel key; nothing of the others."""

    from_s: Int64
    to_s: Int64

    @classmethod
    def of(cls, keys: Int64, from_s: Int64, to_s: Int64, size: int) -> "Wanted":
        """Ask for steps of some of `size` channels."""
        lower, upper = np.zeros(size, np.int64), np.zeros(size, np.int64)
        lower[keys], upper[keys] = from_s, to_s
        return cls(lower, upper)

    def inside(self, key: Int64, start_s: Int64) -> Bool:
        """Return which rows are among them."""
        return np.asarray((start_s >= self.from_s[key]) & (start_s < self.to_s[key]))


class StoredSteps:
    """Steps that are read from the store, of `keys`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, keys: Int64, wanted: Wanted) -> None:
        """Remember what to read; nothing is read yet."""
        self._cursor, self._keys, self._wanted = cursor, keys, wanted

    def sums(self, metric: str) -> Sums:
        """Return what was observed of a metric, by channel key."""
        found = self._found(f"watched_{metric}")
        columns = {name: integers(found, name) for name in found.column_names}
        inside = self._wanted.inside(columns["channel_key"], columns["start_s"])
        if not inside.all():
            columns = {name: values[inside] for name, values in columns.items()}
        size, key = len(self._wanted.from_s), columns["channel_key"]
        most = np.zeros(size, np.int64)
        np.maximum.at(most, key, columns["most"])
        return {"most": most} | {  # exact: sums stay far below 2**53
            name: np.bincount(key, columns[name], size).astype(np.int64)
            for name in ("observed", "total", "lost")
        }

    def within(self, bucket_max: int) -> Int64:
        """Return how many latencies lie in buckets up to the greatest one, by channel key."""
        found = self._found("watched_buckets")
        key = integers(found, "channel_key")
        lists = (found.column(name).combine_chunks() for name in ("buckets", "counts"))
        inside = self._wanted.inside(key, integers(found, "start_s"))
        return _counted(len(self._wanted.from_s), key, Counts.of(*lists), inside, bucket_max)

    def _found(self, name: str) -> pa.Table:
        wanted, keys = self._wanted, self._keys
        bounds = {"first_s": int(wanted.from_s[keys].min()), "last_s": int(wanted.to_s[keys].max())}
        self._cursor.register("watched", pa.table({"channel_key": keys}))
        found = self._cursor.sql(statement("sla", name), params=bounds).to_arrow_table()
        self._cursor.unregister("watched")
        return found


@dataclass(frozen=True, slots=True)
class WrittenSteps:
    """Steps as they were written, each perhaps in several parts."""

    parts: Sequence[Rollups]
    wanted: Wanted

    def sums(self, metric: str) -> Sums:
        """Return what was observed of a metric, by channel key."""
        found = np.zeros((4, len(self.wanted.from_s)), np.int64)
        for part in self.parts:
            wanted, measured = self.wanted, part.measured(metric)
            _add(
                part.channel_key, part.start_s, wanted.from_s, wanted.to_s,
                *measured, part.lost, *found,
            )  # fmt: skip
        return dict(zip(("observed", "total", "most", "lost"), found, strict=True))

    def within(self, bucket_max: int) -> Int64:
        """Return how many latencies lie in buckets up to the greatest one, by channel key."""
        found = np.zeros(len(self.wanted.from_s), np.int64)
        for part in self.parts:
            inside = self.wanted.inside(part.channel_key, part.start_s)
            found += _counted(len(found), part.channel_key, part.counts, inside, bucket_max)
        return found


class RecentSteps:
    """What was written since anybody asked last: all of it, from a step of each channel on.

    A step is written when it is over, and what comes of it later is written then; so nothing of
    the steps that were not over at the first of these writes is missing.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self._parts: list[Rollups] = []
        self._rows = 0
        self._whole_from_s: Int64 | None = None  # by channel key; None: nothing is whole

    def add(self, over: Sequence[Rollups], over_to_s: Int64) -> None:
        """Take in one write; before it steps were over up to `over_to_s`, by channel key."""
        if self._whole_from_s is None:
            self._whole_from_s = over_to_s
        self._parts += over
        self._rows += sum(map(len, over))
        if self._rows > _HELD_ROWS_MAX:
            self.drop()

    def drop(self) -> None:
        """Hold nothing any more; what is written next is held."""
        self._parts, self._rows, self._whole_from_s = [], 0, None

    def holds(self, from_s: Int64) -> Bool:
        """Return the channels of which all is held of the steps from an instant of each on."""
        if self._whole_from_s is None or len(self._whole_from_s) != len(from_s):
            return np.zeros(len(from_s), np.bool_)
        return np.asarray(self._whole_from_s <= from_s)

    def of(self, wanted: Wanted) -> WrittenSteps:
        """Return what is held of some steps."""
        return WrittenSteps(tuple(self._parts), wanted)


@compiled(*[INT64S] * 8, *[INT64S_OWN] * 4)
def _add(
    key: Int64, start_s: Int64, from_s: Int64, to_s: Int64,
    observed: Int64, total: Int64, most: Int64, lost: Int64,
    observeds: Int64, totals: Int64, mosts: Int64, losts: Int64,
) -> None:  # fmt: skip
    for row in range(len(key)):
        at = key[row]
        if from_s[at] <= start_s[row] < to_s[at]:
            observeds[at] += observed[row]
            totals[at] += total[row]
            mosts[at] = max(mosts[at], most[row])
            losts[at] += lost[row]


def _counted(size: int, key: Int64, counts: Counts, inside: Bool, bucket_max: int) -> Int64:
    return _within(size, key, inside, counts.ends, counts.bucket, counts.count, bucket_max)


@compiled(INT64, INT64S, BOOLS, INT64S, INT64S, INT64S, INT64)
def _within(
    size: int, key: Int64, inside: Bool, ends: Int64, bucket: Int64, count: Int64, bucket_max: int
) -> Int64:
    """Sum the counts of buckets up to one, by key."""
    found = np.zeros(size, np.int64)
    for row in range(len(key)):
        if inside[row]:
            for at in range(ends[row], ends[row + 1]):
                if bucket[at] <= bucket_max:
                    found[key[row]] += count[at]
    return found
