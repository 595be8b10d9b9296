"""Time in bins, and the counts of buckets from which percentiles of each bin follow. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from linksla.compiled import INT64, INT64S, compiled
from processors.blocks import BLOCK_SECONDS, Range
from processors.buckets import bucket_middle_us
from processors.observations import Bool, Int64

_FAR_APART_SECONDS: Final = BLOCK_SECONDS
_GROUPS_MAX: Final = 8
_CELLS_MAX: Final = 4_000_000
"""Bins × buckets that are counted at once, 32 MB."""

_BUCKETS: Final = 1 << 12
_MIDDLES_US: Final = np.array([bucket_middle_us(bucket) for bucket in range(_BUCKETS)], np.float64)

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


@dataclass(frozen=True, slots=True)
class LatencyCounts:
    """Counts of channels' buckets by time, as stored (other metrics' too): parallel arrays."""

    channel_key: Int64
    start_s: Int64
    bucket: Int64
    count: Int64

    @classmethod
    def together(cls, parts: Sequence["LatencyCounts"]) -> "LatencyCounts":
        """Put parts one after the other."""
        columns = [(one.channel_key, one.start_s, one.bucket, one.count) for one in parts]
        none = (np.zeros(0, np.int64),) * 4
        return cls(*(np.concatenate(many) for many in zip(none, *columns, strict=True)))

    def take(self, rows: Bool) -> "LatencyCounts":
        """Return some of the rows."""
        return LatencyCounts(
            self.channel_key[rows], self.start_s[rows], self.bucket[rows], self.count[rows]
        )

    def of_latency(self) -> "LatencyCounts":
        """Return what is of latency; above its buckets other metrics' begin."""
        own = self.bucket < _BUCKETS
        return self if own.all() else self.take(own)

    def by_key(self) -> dict[int, dict[int, int]]:
        """Return the sum of each bucket that has any, by channel key."""
        if len(self.bucket) == 0:
            return {}
        keys, least = distinct(self.channel_key), int(self.bucket.min())
        width = int(self.bucket.max()) - least + 1
        cell = np.searchsorted(keys, self.channel_key) * width + self.bucket - least
        # exact in doubles up to 2**53; a sort of 300,000 counts took 10 ms
        sums = np.bincount(cell, weights=self.count, minlength=len(keys) * width)
        found: dict[int, dict[int, int]] = {}
        for row, key in enumerate(keys.tolist()):
            counts = sums[row * width : (row + 1) * width].astype(np.int64)
            some = np.flatnonzero(counts)
            found[key] = dict(zip((some + least).tolist(), counts[some].tolist(), strict=True))
        return found

    def points(self, bins: Bins) -> Points:
        """Return p5, median and p95 of each bin by nearest rank of merged counts."""
        keys = distinct(self.channel_key)
        groups = np.searchsorted(keys, self.channel_key) * bins.count
        groups += (self.start_s - bins.start_s) // bins.step_s
        found: dict[tuple[int, int], Point] = {}
        if len(groups) == 0:
            return found
        least = int(self.bucket.min())
        width = int(self.bucket.max()) - least + 1
        at_once = max(_CELLS_MAX // width, 1)
        for first in range(0, len(keys) * bins.count, at_once):
            several = min(at_once, len(keys) * bins.count - first)
            ranked = _ranked(groups, self.bucket, self.count, first, several, least, width)
            some = np.flatnonzero(ranked[:, 0] >= 0)
            middles = _MIDDLES_US[ranked[some]].tolist()
            for group, point in zip((some + first).tolist(), middles, strict=True):
                which, at = divmod(group, bins.count)
                found[int(keys[which]), at] = (point[0], point[1], point[2])
        return found


@compiled(INT64S, INT64S, INT64S, INT64, INT64, INT64, INT64)
def _ranked(
    group: Int64, bucket: Int64, count: Int64, first: int, groups: int, least: int, width: int
) -> Int64:
    """Return the buckets that hold rank ⌈n/20⌉, ⌈n/2⌉ and ⌈19n/20⌉ of groups from `first` on.

    -1 where a group counts nothing. A pass of numpy for each step took 15 ms for 300,000 counts.
    """
    cells = np.zeros((groups, width), np.int64)
    total = np.zeros(groups, np.int64)
    for row in range(len(group)):
        at = group[row] - first
        if 0 <= at < groups:
            cells[at, bucket[row] - least] += count[row]
            total[at] += count[row]
    found = np.full((groups, 3), -1, np.int64)
    for at in range(groups):
        seen, rank = 0, 0
        for within in range(width):
            seen += cells[at, within]
            while rank < 3 and seen > 0:
                part, of = (1, 20) if rank == 0 else (1, 2) if rank == 1 else (19, 20)
                if seen * of < total[at] * part:
                    break
                found[at, rank] = least + within
                rank += 1
    return found


def distinct(keys: Int64) -> Int64:
    """Return the distinct keys, in order, of rows of which most follow one of the same key."""
    begins = np.ones(len(keys), np.bool_)
    begins[1:] = keys[1:] != keys[:-1]
    return np.unique(keys[begins])


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
