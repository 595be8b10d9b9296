"""What was measured of a circuit's channels, read once from a snapshot for all that is asked of it.

A page asks for objectives and five charts at two resolutions: read one by one, that was eleven
statements over the same rows. Sums are whole numbers: it is all one how they are put together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import duckdb
import numpy as np
import numpy.typing as npt

from linksla.inventory import DAY_SECONDS, Circuit
from linksla.sql import statement
from processors.blocks import BLOCK_SECONDS, Range, Readable, Split, readable
from processors.observations import Float64, Int64
from processors.packs import (
    COLUMNS,
    KEYS,
    LOWS,
    PACK_SECONDS_MAX,
    Pack,
    packs_at,
    reordered,
)
from sla.measured import Bins, Buckets, Lines, Sums, counted, grouped, near, ranked
from sla.measures import Observed, Totals
from sla.performance import Asked, observed, rollup_seconds
from sla.telemetry import Telemetry

_AT: Final = {name: number for number, name in enumerate(COLUMNS)}
_UNITS: Final = {"jitter": "us", "loss": "ppm", "rx": "bps", "tx": "bps"}
"""Of the metrics in the order of processors.packs.LOWS."""
_WIDE: Final = ("rx", "tx")  # their sums may be beyond 64 bits: halves are kept
_NAMES: Final = {"throughput_rx": "rx", "throughput_tx": "tx"}
_HALF: Final = 1 << 32
_NOTHING: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Part:
    """What was read at once; of it count the rows that start in `ranges`, in order of time."""

    pack: Pack
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Hours and steps of channels, a row each in no order, as they were read: nothing is copied."""

    keys: Int64  # of the channels, in order
    parts: tuple[Part, ...]
    _by_bins: dict[Bins, tuple[Int64, ...]] = field(default_factory=dict, repr=False)

    def lines(self, metric: str, bins: Bins) -> Lines:
        """Return low, middle and high of each channel and bin.

        Of latency p5, median and p95; of others the least mean of a step, the mean, the greatest.
        """
        shape = len(self.keys), bins.count
        groups = self._by_bins.get(bins)
        if groups is None:  # four metrics ask for the same
            groups = self._by_bins[bins] = tuple(self._grouped(part, bins) for part in self.parts)
        count = len(self.keys) * bins.count
        if metric == "latency":
            low, middle, high = ranked(_buckets(self.parts, groups), count).T
        else:
            low, middle, high = self._sums(_NAMES.get(metric, metric), groups, count)
        return Lines(self.keys, *(of.reshape(shape) for of in (low, middle, high)))

    def _sums(
        self, name: str, groups: Sequence[Int64], count: int
    ) -> tuple[Float64, Float64, Float64]:
        """Return the least mean of a step, the mean and the greatest value of each group."""
        sums = Sums.none(count)
        for part, group in zip(self.parts, groups, strict=True):
            sums.add(group, *_summed(part.pack, name))
        mean = np.full(count, np.nan)
        np.divide(_total(name, sums), sums.count, out=mean, where=sums.count > 0)
        return sums.least, mean, np.where(sums.count > 0, sums.greatest, np.nan)

    def observed(self, asked: Asked) -> tuple[Observed, ...]:
        """Return what all rows come to, by channel; those without a row are left out."""
        groups = [self._grouped(part, None) for part in self.parts]
        buckets = counted(_buckets(self.parts, groups), len(self.keys))
        found = []
        for channel in asked.channels:
            at = int(np.searchsorted(self.keys, channel.channel_key))
            of = [
                part.pack.whole[:, group == at]
                for part, group in zip(self.parts, groups, strict=True)
            ]
            if sum(some.shape[1] for some in of):
                found.append(_observed(asked, channel.channel, of, buckets[at]))
        return tuple(found)

    def _grouped(self, part: Part, bins: Bins | None) -> Int64:
        pack = part.pack
        return grouped(pack.channel_key, pack.start_s, self.keys, part.ranges, bins)


def _buckets(parts: Sequence[Part], groups: Sequence[Int64]) -> list[Buckets]:
    return [
        Buckets(group, part.pack.lengths, part.pack.bucket, part.pack.count)
        for part, group in zip(parts, groups, strict=True)
    ]


def _summed(part: Pack, name: str) -> tuple[Int64, Int64, Int64, Float64, Int64]:
    """Return count, both halves of the sum, least mean and greatest value of each row."""
    unit = _UNITS[name]
    whole = part.whole
    low = whole[_AT[f"{name}_sum_{'low' if name in _WIDE else unit}"]]
    high = whole[_AT[f"{name}_sum_high"]] if name in _WIDE else np.zeros(len(part), np.int64)
    least = part.lows[LOWS.index(f"{name}_low_{unit}")]
    return whole[_AT[f"{name}_count"]], high, low, least, whole[_AT[f"{name}_max_{unit}"]]


def _total(name: str, sums: Sums) -> Float64:
    """Return sums, rounded once."""
    if name not in _WIDE:
        return sums.low.astype(np.float64)
    high = sums.high + sums.low // _HALF
    whole: Float64 = high.astype(np.float64) * _HALF + (sums.low % _HALF).astype(np.float64)
    return whole


def _observed(asked: Asked, name: str, rows: Sequence[Int64], buckets: dict[int, int]) -> Observed:
    def total(column: str) -> int:
        return sum(int(some[_AT[column]].sum()) for some in rows)

    def greatest(column: str) -> int:
        return max(int(some[_AT[column]].max(initial=0)) for some in rows)

    throughput = {
        metric: Totals(
            total(f"{short}_count"),
            total(f"{short}_sum_high") * _HALF + total(f"{short}_sum_low"),
            greatest(f"{short}_max_bps"),
        )
        for metric, short in _NAMES.items()
        if asked.throughput
    }
    values = [
        total("latency_count"), total("latency_sum_us"), greatest("latency_max_us"),
        total("lost_count"), total("loss_count"), total("loss_sum_ppm"), greatest("loss_max_ppm"),
        total("jitter_count"), total("jitter_sum_us"), greatest("jitter_max_us"),
    ]  # fmt: skip
    return observed(name, values, buckets, throughput)


@dataclass(slots=True)
class _Form:
    """What was read in one form, as hours or as steps: the ranges, and all that starts in them."""

    by: Callable[[duckdb.DuckDBPyConnection, Sequence[int], Range], Pack]
    read: list[Range] = field(default_factory=list)
    parts: list[tuple[Range, Pack]] = field(default_factory=list)

    def holding(
        self, cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], ranges: Sequence[Range]
    ) -> list[Pack]:
        """Return what holds all that starts in ranges, and perhaps more; not known: it is read."""
        for some in near(without(ranges, self.read)):
            # what lies between two ranges is read with them, but not a second time
            for hull in without([(some[0][0], some[-1][1])], self.read):
                self.parts.append((hull, self.by(cursor, keys, hull)))
                self.read = sorted([*self.read, hull])
        return [
            part
            for (lower, upper), part in self.parts
            if len(part) and any(first < upper and lower < last for first, last in ranges)
        ]


class Readings:
    """Reads what was measured of channels of one grid, each row at most once; of one snapshot."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], rollup_seconds: int
    ) -> None:
        """Remember what may be asked for; nothing is read yet."""
        self._cursor = cursor
        self._keys = tuple(sorted(channel_keys))
        self._by_hours = BLOCK_SECONDS % rollup_seconds == 0  # else a step may reach beyond an hour
        self._readable: Readable | None = None
        self._blocks, self._steps = _Form(read_days), _Form(read_steps)
        self._found: dict[tuple[tuple[Range, ...], bool], Rows] = {}

    def rows(self, pieces: Sequence[Range], *, in_hours: bool = True) -> Rows:
        """Return what starts in pieces of whole steps that are in order of time.

        `in_hours` False: every step as a row of its own.
        """
        asked = tuple(pieces), in_hours
        found = self._found.get(asked)
        if found is None:  # five charts at two resolutions ask for the same
            found = self._found[asked] = self._rows(pieces, in_hours=in_hours)
        return found

    def _rows(self, pieces: Sequence[Range], *, in_hours: bool) -> Rows:
        keys = np.array(self._keys, np.int64)
        if not self._keys:
            return Rows(keys, ())
        split = Split((), tuple(pieces))
        if in_hours and self._by_hours:
            if self._readable is None:
                self._readable = readable(self._cursor, self._keys)
            split = self._readable.split(pieces)
        forms = (
            (self._blocks, split.blocks, _whole_packs(split.blocks)),
            (self._steps, split.steps, _ahead(split.steps)),
        )
        return Rows(
            keys,
            tuple(
                Part(pack, tuple(ranges))
                for form, ranges, reach in forms
                for pack in form.holding(self._cursor, self._keys, reach)
            ),
        )

    def observed(self, asked: Asked) -> tuple[Observed, ...]:
        """Return what is asked, by channel, exactly as `observed_of` does."""
        return self.rows(asked.pieces).observed(asked) if asked.pieces else ()


def _whole_packs(ranges: Sequence[Range]) -> list[Range]:
    """Return the days ranges lie in, and what lies before them in the pack they begin in.

    It is unpacked with them, and a page's charts often begin some days before its month.
    """
    found: list[Range] = []
    for lower, upper in days(ranges):
        begins = lower // PACK_SECONDS_MAX * PACK_SECONDS_MAX
        if found and begins <= found[-1][1]:
            begins = found.pop()[0]
        found.append((begins, upper))
    return found


def _ahead(ranges: Sequence[Range]) -> list[Range]:
    """Return ranges with the last an hour longer.

    Charts follow a month that is judged up to complete: a minute more was a statement of its own.
    """
    return [*ranges[:-1], *((lower, upper + BLOCK_SECONDS) for lower, upper in ranges[-1:])]


def readings_of(cursor: duckdb.DuckDBPyConnection, facts: Telemetry, circuit: Circuit) -> Readings:
    """Return what is read of a circuit for all who ask of `facts`, which `cursor` has read."""
    found = None if facts.readings is None else facts.readings.get(circuit.id)
    if found is None:
        keys = [channel.channel_key for channel in facts.channels.get(circuit.id, ())]
        found = Readings(cursor, keys, rollup_seconds(circuit))
        if facts.readings is not None:
            facts.readings[circuit.id] = found
    return found


def without(ranges: Sequence[Range], known: Sequence[Range]) -> list[Range]:
    """Return what of ranges lies in none of the known ones; both are in order of time."""
    found: list[Range] = []
    for lower, upper in ranges:
        at = lower
        for first, last in known:
            if last <= at or first >= upper:
                continue
            if at < first:
                found.append((at, first))
            at = max(at, last)
        if at < upper:
            found.append((at, upper))
    return found


def days(ranges: Sequence[Range]) -> list[Range]:
    """Return the UTC days that ranges lie in, as ranges that are apart."""
    found: list[Range] = []
    for lower, upper in ranges:
        first, last = lower // DAY_SECONDS * DAY_SECONDS, -(-upper // DAY_SECONDS) * DAY_SECONDS
        if found and found[-1][1] >= first:
            first = found.pop()[0]
        found.append((first, last))
    return found


def read_days(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], within: Range) -> Pack:
    """Return all blocks there are in a range of whole days, of channels of one circuit."""
    lower, upper = within
    packs = []
    for _, _, pack in packs_at(cursor, min(keys), lower, upper):
        inside = (pack.start_s >= lower) & (pack.start_s < upper)
        packs.append(pack if inside.all() else pack.take(inside))
    pack = Pack.together(packs)
    own = np.isin(pack.channel_key, keys)
    return pack if own.all() else pack.take(own)


def rows_of_hours(
    cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], ranges: Sequence[Range]
) -> Rows:
    """Return the blocks that start in ranges, of channels of one circuit."""
    keys = sorted(channel_keys)
    packs = [read_days(cursor, keys, some) for some in days(ranges)]
    some = tuple(Part(pack, tuple(ranges)) for pack in packs if len(pack))
    return Rows(np.array(keys, np.int64), some)


def read_steps(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], within: Range) -> Pack:
    """Return all rollup steps that start in a range, of channels.

    Parts of a step are one row: the least mean does not hang on how polls were cut.
    """
    asked = {
        "first_key": min(keys), "last_key": max(keys), "from_s": within[0], "to_s": within[1]
    }  # fmt: skip
    # as arrays: an Arrow table is bound twice before it is read, 1.5 ms of 4
    rows = cursor.execute(statement("sla", "rows_steps"), asked).fetchnumpy()
    found = cast("dict[str, npt.NDArray[np.generic]]", rows)
    if asked["last_key"] - asked["first_key"] >= len(keys):  # other circuits' lie between them
        own = np.isin(found["channel_key"], keys)
        found = {name: column[own] for name, column in found.items()}
    whole = np.stack([np.ma.filled(found[name].astype(np.int64), -1) for name in COLUMNS])
    lengths, bucket = _in_a_row(found["latency_buckets"])
    _, count = _in_a_row(found["latency_counts"])
    order = np.lexsort((whole[1], whole[0]))
    if (np.diff(order) != 1).any():
        whole = np.take(whole, order, axis=1)  # its rows stay contiguous
        lengths, bucket, count = reordered(order, lengths, bucket, count)
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (np.diff(whole[:KEYS]) != 0).any(axis=0)
    if not begins.all():
        first = np.flatnonzero(begins)
        whole = np.stack([_merged(name, whole[at], first) for name, at in _AT.items()])
        lengths = np.add.reduceat(lengths, first)
    return Pack(whole, _lows(whole), lengths, bucket.astype(np.int32), count)


def _in_a_row(lists: npt.NDArray[np.generic]) -> tuple[Int64, Int64]:
    """Return how long each list is, and what is in all of them, one after the other."""
    none = np.ma.getmaskarray(lists)  # of older stores: no list, where newer ones have an empty one
    some = [_NOTHING if gone else one for gone, one in zip(none, np.ma.getdata(lists), strict=True)]
    lengths = np.fromiter(map(len, some), np.int64, len(some))
    return lengths, np.concatenate([_NOTHING, *some])


def _merged(name: str, values: Int64, first: Int64) -> Int64:
    """Return what rows come to that begin at `first`, each with those that follow it."""
    if name in COLUMNS[:KEYS]:
        return values[first]
    merged: Int64 = (np.maximum if "_max_" in name else np.add).reduceat(values, first)
    return merged


def _lows(whole: Int64) -> Float64:
    """Return the mean of each step, which is also its least."""
    lows = []
    for name, unit in _UNITS.items():
        total = whole[_AT[f"{name}_sum_{'low' if name in _WIDE else unit}"]].astype(np.float64)
        if name in _WIDE:
            total += whole[_AT[f"{name}_sum_high"]].astype(np.float64) * _HALF
        with np.errstate(invalid="ignore"):
            lows.append(total / whole[_AT[f"{name}_count"]])
    return np.stack(lows)
