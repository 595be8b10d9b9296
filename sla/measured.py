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


def read_sums(
    cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], split: Split, bins: Bins
) -> dict[str, Points]:
    """Return every metric but latency. Sums are exact, so it is all one how time was split."""
    sums: dict[tuple[int, int], Sequence[float | None]] = {}
    for key, at, *values in _rows(cursor, "series", channel_keys, split, bins):
        known = sums.get((key, at))
        sums[key, at] = values if known is None else _merged(known, values)
    found: dict[str, dict[tuple[int, int], Point]] = {name: {} for name in METRICS}
    for where, all_of in sums.items():
        for number, name in enumerate(METRICS):
            low, total, count, high = all_of[number * 4 : number * 4 + 4]
            if count and low is not None and total is not None and high is not None:
                found[name][where] = (low, float(total) / float(count), float(high))
    return dict(found)


def read_latency(
    cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], split: Split, bins: Bins
) -> Points:
    """Return p5, median and p95 by nearest rank of merged counts."""
    if not channel_keys:
        return {}
    keys = np.array(sorted(channel_keys), np.int64)
    groups, buckets, counts = (
        np.concatenate(parts)
        for parts in zip(
            (np.zeros(0, np.int64),) * 3, *_latency_parts(cursor, keys, split, bins), strict=True
        )
    )
    found: dict[tuple[int, int], Point] = {}
    own = buckets < _BUCKETS  # the table may hold counts of other metrics above
    groups, buckets, counts = groups[own], buckets[own], counts[own]
    if len(groups) == 0:
        return found
    least = int(buckets.min())
    width = int(buckets.max()) - least + 1
    order = np.argsort(groups, kind="stable")
    groups, buckets, counts = groups[order], buckets[order] - least, counts[order]
    present = np.unique(groups)
    at_once = max(_CELLS_MAX // width, 1)
    for first in range(0, len(present), at_once):
        some = present[first : first + at_once]
        lower, upper = np.searchsorted(groups, [some[0], some[-1] + 1])
        row = np.searchsorted(some, groups[lower:upper])
        cells = np.bincount(
            row * width + buckets[lower:upper],
            weights=counts[lower:upper],  # exact in doubles up to 2**53
            minlength=len(some) * width,
        ).reshape(len(some), width)
        ranks = np.cumsum(cells.astype(np.int64), axis=1)
        n = ranks[:, -1:]
        lows, middles, highs = (
            ((ranks * of >= n * part).argmax(axis=1) + least).tolist()
            for part, of in ((1, 20), (1, 2), (19, 20))
        )
        for group, low, middle, high in zip(some.tolist(), lows, middles, highs, strict=True):
            which, at = divmod(group, bins.count)
            found[int(keys[which]), at] = (
                bucket_middle_us(low), bucket_middle_us(middle), bucket_middle_us(high),
            )  # fmt: skip
    return found


def _latency_parts(
    cursor: duckdb.DuckDBPyConnection, keys: Int64, split: Split, bins: Bins
) -> Iterator[tuple[Int64, Int64, Int64]]:
    """Yield parallel arrays: channel's place × bins + bin, bucket, count."""

    def groups_of(table: pa.Table) -> Int64:
        place = np.searchsorted(keys, _integers(table, "channel_key"))
        at = (_integers(table, "start_s") - bins.start_s) // bins.step_s
        group: Int64 = place * bins.count + at
        return group

    for name, ranges in _statements("latency", split):
        parameters = _parameters(keys.tolist(), ranges)
        table = cursor.sql(statement("sla", name), params=parameters).to_arrow_table()
        if name == "latency_steps":
            yield groups_of(table), _integers(table, "bucket"), _integers(table, "count")
            continue
        buckets, counts = (table.column(n).combine_chunks() for n in ("buckets", "counts"))
        lengths = buckets.value_lengths().to_numpy(zero_copy_only=False)
        yield (
            np.repeat(groups_of(table), lengths),
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
    for ranges in _near(split.steps):
        yield f"{kind}_steps", ranges


def _near(ranges: Iterable[Range]) -> list[list[Range]]:
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
