"""Time in bins, and what rows of measurements come to in groups: sums, and counts of buckets. Pure.

Each of these loops goes once over rows as they lie in packs; with arrays of a month's 300,000
counts repeated, masked and sorted, numpy took 30 ms for a page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from linksla.compiled import (
    FLOAT64S,
    FLOAT64S_OWN,
    INT32S,
    INT64,
    INT64_TABLE,
    INT64S,
    INT64S_OWN,
    compiled,
)
from processors.blocks import BLOCK_SECONDS, Range
from processors.buckets import bucket_middle_us
from processors.observations import Float64, Int64
from processors.packs import Int32

_FAR_APART_SECONDS: Final = BLOCK_SECONDS
_GROUPS_MAX: Final = 8
_FOREVER_S: Final = 1 << 40
_CELLS_MAX: Final = 4_000_000
"""Bins × buckets that are counted at once, 32 MB."""

_BUCKETS: Final = 1 << 12
_ANY_BUCKET: Final = 1 << 31
_MIDDLES_US: Final = np.array([bucket_middle_us(bucket) for bucket in range(_BUCKETS)], np.float64)


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


def grouped(
    channel_key: Int64, start_s: Int64, keys: Int64, ranges: Sequence[Range], bins: Bins | None
) -> Int64:
    """Return the group of each row: its channel's number in `keys` × bins + its bin.

    Without bins its channel's number; -1: the row starts in none of the ranges, which are in order
    of time.
    """
    lower, upper = np.array(ranges, np.int64).reshape(-1, 2).T.copy()
    first_s, step_s, count = (0, _FOREVER_S, 1) if bins is None else (
        bins.start_s, bins.step_s, bins.count
    )  # fmt: skip
    return _grouped(channel_key, start_s, keys, lower, upper, first_s, step_s, count)


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S, INT64, INT64, INT64, is_short=True)
def _grouped(
    channel_key: Int64, start_s: Int64, keys: Int64, lower: Int64, upper: Int64,
    first_s: int, step_s: int, bins: int,
) -> Int64:  # fmt: skip
    found = np.full(len(start_s), -1, np.int64)
    for row in range(len(start_s)):
        at = np.searchsorted(lower, start_s[row], side="right") - 1
        if at >= 0 and start_s[row] < upper[at]:
            number = np.searchsorted(keys, channel_key[row])
            found[row] = number * bins + (start_s[row] - first_s) // step_s
    return found


@dataclass(frozen=True, slots=True)
class Lines:
    """Low, middle and high of a metric in stored units (µs, ppm, bit/s), NaN where there is none.

    Arrays of channels (rows, those of `keys`) × bins.
    """

    keys: Int64
    low: Float64
    middle: Float64
    high: Float64

    def of(self, channel_key: int) -> tuple[Float64, Float64, Float64] | None:
        """Return low, middle and high of a channel, by bin."""
        at = int(np.searchsorted(self.keys, channel_key))
        if at == len(self.keys) or self.keys[at] != channel_key:
            return None
        return self.low[at], self.middle[at], self.high[at]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Counts of buckets of rows, row after row; and the group of each row, -1: of none."""

    group: Int64
    lengths: Int64
    bucket: Int32
    count: Int64


def ranked(parts: Sequence[Buckets], groups: int) -> Float64:
    """Return p5, median and p95 of latency by nearest rank of merged counts: groups × 3, in µs.

    NaN where a group counts nothing. Above the buckets of latency other metrics' begin.
    """
    found = np.full((groups, 3), np.nan)
    least, width = _extent(parts, _BUCKETS)
    at_once = max(_CELLS_MAX // max(width, 1), 1)
    for first in range(0, groups if width else 0, at_once):
        cells = _cells(parts, first, min(at_once, groups - first), least, width)
        at = _ranks(cells)
        some = at[:, 0] >= 0
        found[first : first + len(at)][some] = _MIDDLES_US[at[some] + least]
    return found


def counted(parts: Sequence[Buckets], groups: int) -> list[dict[int, int]]:
    """Return the sum of each bucket that counts anything, as stored, by group."""
    least, width = _extent(parts, _ANY_BUCKET)
    cells = _cells(parts, 0, groups, least, width)
    found = []
    for counts in cells:
        some = np.flatnonzero(counts)
        found.append(dict(zip((some + least).tolist(), counts[some].tolist(), strict=True)))
    return found


def _extent(parts: Sequence[Buckets], end: int) -> tuple[int, int]:
    """Return the least bucket below `end` of any group, and how many there are to the greatest."""
    found = [_least_and_greatest(one.group, one.lengths, one.bucket, end) for one in parts]
    least = min((low for low, high in found if high >= 0), default=0)
    return least, max((high for _, high in found), default=-1) + 1 - least


def _cells(parts: Sequence[Buckets], first: int, groups: int, least: int, width: int) -> Int64:
    cells = np.zeros((groups, width), np.int64)
    for one in parts:
        _count(one.group, one.lengths, one.bucket, one.count, first, least, cells)
    return cells


@compiled(INT64S, INT64S, INT32S, INT64, is_short=True)
def _least_and_greatest(group: Int64, lengths: Int64, bucket: Int32, end: int) -> tuple[int, int]:
    """Return the least and the greatest bucket below `end` of rows that have a group; end, -1."""
    least, greatest, at = end, -1, 0
    for row in range(len(group)):
        ends = at + lengths[row]
        if group[row] >= 0:
            for within in range(at, ends):
                if bucket[within] < end:
                    least = min(least, bucket[within])
                    greatest = max(greatest, bucket[within])
        at = ends
    return least, greatest


@compiled(INT64S, INT64S, INT32S, INT64S, INT64, INT64, INT64_TABLE, is_short=True)
def _count(
    group: Int64, lengths: Int64, bucket: Int32, count: Int64, first: int, least: int, cells: Int64
) -> None:
    """Add counts to cells: groups from `first` on × buckets from `least` on."""
    groups, width = cells.shape
    at = 0
    for row in range(len(group)):
        ends = at + lengths[row]
        to = group[row] - first
        if 0 <= to < groups:  # -1 is below any `first`
            for within in range(at, ends):
                column = bucket[within] - least
                if column < width:
                    cells[to, column] += count[within]
        at = ends


@compiled(INT64_TABLE, is_short=True)
def _ranks(cells: Int64) -> Int64:
    """Return the columns that hold rank ⌈n/20⌉, ⌈n/2⌉ and ⌈19n/20⌉ of each group; -1: empty."""
    groups, width = cells.shape
    found = np.full((groups, 3), -1, np.int64)
    for at in range(groups):
        total = 0
        for within in range(width):
            total += cells[at, within]
        seen, rank = 0, 0
        for within in range(width):
            seen += cells[at, within]
            while rank < 3 and seen > 0:
                part, of = (1, 20) if rank == 0 else (1, 2) if rank == 1 else (19, 20)
                if seen * of < total * part:
                    break
                found[at, rank] = within
                rank += 1
            if rank == 3:
                break
    return found


@dataclass(frozen=True, slots=True)
class Sums:
    """What rows come to, by group: sums in halves of 32 bits where they may be beyond 64."""

    count: Int64
    high: Int64
    low: Int64
    least: Float64  # of the means of steps; NaN: no row
    greatest: Int64

    @classmethod
    def none(cls, groups: int) -> "Sums":
        """Return groups without a row."""
        count, high, low, greatest = (np.zeros(groups, np.int64) for _ in range(4))
        return cls(count, high, low, np.full(groups, np.nan), greatest)

    def add(
        self, group: Int64, count: Int64, high: Int64, low: Int64, least: Float64, greatest: Int64
    ) -> None:
        """Add rows; those of group -1, and those that count nothing, are left out."""
        _add(group, count, high, low, least, greatest,
             self.count, self.high, self.low, self.least, self.greatest)  # fmt: skip


@compiled(
    INT64S, INT64S, INT64S, INT64S, FLOAT64S, INT64S,
    INT64S_OWN, INT64S_OWN, INT64S_OWN, FLOAT64S_OWN, INT64S_OWN, is_short=True,
)  # fmt: skip
def _add(
    group: Int64, count: Int64, high: Int64, low: Int64, least: Float64, greatest: Int64,
    counts: Int64, highs: Int64, lows: Int64, leasts: Float64, greatests: Int64,
) -> None:  # fmt: skip
    for row in range(len(group)):
        at = group[row]
        if at < 0 or count[row] == 0:
            continue
        counts[at] += count[row]
        highs[at] += high[row]
        lows[at] += low[row]
        if least[row] < leasts[at] or leasts[at] != leasts[at]:
            leasts[at] = least[row]
        greatests[at] = max(greatests[at], greatest[row])


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
