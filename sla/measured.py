"""What was measured over time: blocks where whole hours have them, rollup steps for the rest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.sql import statement
from processors.blocks import BLOCK_SECONDS, Range, Split, readable
from processors.buckets import bucket_middle_us

_FAR_APART_SECONDS: Final = BLOCK_SECONDS
_GROUPS_MAX: Final = 8
_CELLS_MAX: Final = 4_000_000
"""Bins × buckets that are counted at once, 32 MB."""

_BUCKETS: Final = 1 << 12
_MIDDLES_US: Final = np.array([bucket_middle_us(bucket) for bucket in range(_BUCKETS)], np.float64)

METRICS: Final = ("jitter", "loss", "throughput_rx", "throughput_tx")

Int64 = npt.NDArray[np.int64]
Point = tuple[float, float, float]
"""Low, middle and high, in stored units: µs, ppm, bit/s."""
Points = Mapping[tuple[int, int], Point]
"""By channel key and bin; a bin without a value has none."""


@dataclass(frozen=True, slots=True)
class Bins:
    """[start_s, end_s) cut in steps of `step_s` from its start."""

    start_s: int
    end_s: int
    step_s: int

    @property
    def count(self) -> int:
        """How many there are."""
        return -(-(self.end_s - self.start_s) // self.step_s)

    @property
    def whole_hours(self) -> bool:
        """Whether every hour lies in one bin."""
        return self.start_s % BLOCK_SECONDS == 0 and self.step_s % BLOCK_SECONDS == 0


def split_for(
    cursor: duckdb.DuckDBPyConnection,
    channel_keys: Sequence[int],
    pieces: Sequence[Range],
    rollup_seconds: int,
) -> Split:
    """Return how to read pieces of time, which are in whole rollup steps."""
    if BLOCK_SECONDS % rollup_seconds:  # a step may reach beyond the hour it starts in
        return Split((), tuple(pieces))
    return readable(cursor, channel_keys).split(pieces)


@dataclass(frozen=True, slots=True)
class Sums:
    """Low, total, count and high of each of METRICS, in a row a channel key and bin."""

    bins: Bins
    rows: Mapping[tuple[int, int], Sequence[float | None]]

    def coarser(self, bins: Bins) -> "Sums | None":
        """Return the same sums in longer bins, or None: these do not fit into those."""
        mine = self.bins
        if (mine.start_s, mine.end_s) != (bins.start_s, bins.end_s) or bins.step_s % mine.step_s:
            return None
        several = bins.step_s // mine.step_s
        return Sums(
            bins, _together((key, at // several, row) for (key, at), row in self.rows.items())
        )

    def points(self, metric: str) -> Points:
        """Return the points of a metric."""
        first = METRICS.index(metric) * 4
        return {
            where: (low, float(total) / float(count), float(high))
            for where, row in self.rows.items()
            for low, total, count, high in [row[first : first + 4]]
            if count and low is not None and total is not None and high is not None
        }


def read_sums(
    cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], split: Split, bins: Bins
) -> Sums:
    """Return every metric but latency. Sums are exact, so it is all one how time was split."""
    found = _rows(cursor, "series", channel_keys, split, bins)
    return Sums(bins, _together((key, at, values) for key, at, *values in found))


def _together(
    rows: Iterable[tuple[int, int, Sequence[float | None]]],
) -> dict[tuple[int, int], Sequence[float | None]]:
    sums: dict[tuple[int, int], Sequence[float | None]] = {}
    for key, at, values in rows:
        known = sums.get((key, at))
        sums[key, at] = values if known is None else _merged(known, values)
    return sums


@dataclass(frozen=True, slots=True)
class LatencyCounts:
    """Latency counts of some channels by time: parallel arrays."""

    channel_key: Int64
    start_s: Int64
    bucket: Int64
    count: Int64

    def points(self, bins: Bins) -> Points:
        """Return p5, median and p95 of each bin by nearest rank of merged counts."""
        keys = np.unique(self.channel_key)
        groups = np.searchsorted(keys, self.channel_key) * bins.count
        groups += (self.start_s - bins.start_s) // bins.step_s
        found: dict[tuple[int, int], Point] = {}
        if len(groups) == 0:
            return found
        least = int(self.bucket.min())
        width = int(self.bucket.max()) - least + 1
        at_once = max(_CELLS_MAX // width, 1)
        for first in range(0, len(keys) * bins.count, at_once):
            inside = (groups >= first) & (groups < first + at_once)
            cells = np.bincount(
                (groups[inside] - first) * width + self.bucket[inside] - least,
                weights=self.count[inside],  # exact in doubles up to 2**53
                minlength=min(at_once, len(keys) * bins.count - first) * width,
            ).reshape(-1, width)
            ranks = np.cumsum(cells.astype(np.int64), axis=1)
            some = np.flatnonzero(ranks[:, -1])
            ranks = ranks[some]
            n = ranks[:, -1:]
            lows, middles, highs = (
                _MIDDLES_US[(ranks * of >= n * part).argmax(axis=1) + least].tolist()
                for part, of in ((1, 20), (1, 2), (19, 20))
            )
            for group, *point in zip((some + first).tolist(), lows, middles, highs, strict=True):
                which, at = divmod(group, bins.count)
                found[int(keys[which]), at] = (point[0], point[1], point[2])
        return found


def read_latency(
    cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], split: Split
) -> LatencyCounts:
    """Return the latency counts of pieces of time, hours and steps as they lie."""
    parts = [(np.zeros(0, np.int64),) * 4]
    if channel_keys:
        parts += _latency_parts(cursor, channel_keys, split)
    key, start_s, bucket, count = (np.concatenate(many) for many in zip(*parts, strict=True))
    own = bucket < _BUCKETS  # the table may hold counts of other metrics above
    return LatencyCounts(key[own], start_s[own], bucket[own], count[own])


def _latency_parts(
    cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], split: Split
) -> Iterator[tuple[Int64, Int64, Int64, Int64]]:
    for name, ranges in _statements("latency", split):
        parameters = _parameters(channel_keys, ranges)
        table = cursor.sql(statement("sla", name), params=parameters).to_arrow_table()
        key, start_s = _integers(table, "channel_key"), _integers(table, "start_s")
        if name == "latency_steps":
            yield key, start_s, _integers(table, "bucket"), _integers(table, "count")
            continue
        buckets, counts = (table.column(n).combine_chunks() for n in ("buckets", "counts"))
        lengths = buckets.value_lengths().to_numpy(zero_copy_only=False)
        yield (
            np.repeat(key, lengths),
            np.repeat(start_s, lengths),
            buckets.flatten().to_numpy().astype(np.int64),
            counts.flatten().to_numpy().astype(np.int64),
        )


def _integers(table: pa.Table, name: str) -> Int64:
    values: Int64 = table.column(name).to_numpy().astype(np.int64, copy=False)
    return values


def _rows(
    cursor: duckdb.DuckDBPyConnection,
    kind: str,
    channel_keys: Sequence[int],
    split: Split,
    bins: Bins,
) -> Iterator[tuple[int, int, *tuple[float | None, ...]]]:
    """Yield channel key, bin, and low, total, count, high of each metric, as far as known."""
    if not channel_keys:
        return
    for name, ranges in _statements(kind, split):
        parameters = _parameters(channel_keys, ranges)
        parameters |= {"start_s": bins.start_s, "step_s": bins.step_s}
        yield from cursor.execute(statement("sla", name), parameters).fetchall()


def _statements(kind: str, split: Split) -> Iterator[tuple[str, Sequence[Range]]]:
    """Yield what is to be run over which ranges, so that nobody reads what lies far between."""
    if split.blocks:
        yield f"{kind}_blocks", split.blocks
    for ranges in near(split.steps):
        yield f"{kind}_steps", ranges


def near(ranges: Iterable[Range]) -> list[list[Range]]:
    """Return ranges in groups; between two groups there is an hour or more."""
    groups: list[list[Range]] = []
    for one in ranges:
        if groups and (
            one[0] - groups[-1][-1][1] < _FAR_APART_SECONDS or len(groups) == _GROUPS_MAX
        ):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _parameters(channel_keys: Sequence[int], ranges: Sequence[Range]) -> dict[str, object]:
    return {
        "channel_keys": list(channel_keys),
        "first_key": min(channel_keys),
        "last_key": max(channel_keys),
        "from_s": [lower for lower, _ in ranges],
        "to_s": [upper for _, upper in ranges],
        "first_s": min(lower for lower, _ in ranges),
        "last_s": max(upper for _, upper in ranges),
    }


def _merged(first: Sequence[float | None], second: Sequence[float | None]) -> list[float | None]:
    """Return two rows of (low, total, count, high) a metric as one."""
    together = (min, _sum, _sum, max)
    return [
        b if a is None else a if b is None else together[number % 4](a, b)
        for number, (a, b) in enumerate(zip(first, second, strict=True))
    ]


def _sum(a: float, b: float) -> float:
    return a + b
