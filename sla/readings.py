"""What was measured of a circuit's channels, read once from a snapshot for all that is asked of it.

A page asks for objectives and five charts at two resolutions: read one by one, that was eleven
statements over the same rows. Sums are whole numbers: it is all one how they are put together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from linksla.inventory import DAY_SECONDS, Circuit
from linksla.sql import statement
from processors.blocks import BLOCK_SECONDS, Range, Readable, Split, readable
from processors.observations import Bool, Int64
from processors.packs import COLUMNS, KEYS, Pack, column_of, lists_of, packs_of, places_of
from processors.statements import read
from sla.measured import Bins, LatencyCounts, Points, distinct, near
from sla.measures import Observed, Totals
from sla.performance import Asked, observed, rollup_seconds
from sla.telemetry import Telemetry

Float64 = npt.NDArray[np.float64]

_UNITS: Final = {"jitter": "us", "loss": "ppm", "rx": "bps", "tx": "bps"}
"""Of the metrics in the order of processors.packs.LOWS."""
_WIDE: Final = ("rx", "tx")  # their sums may be beyond 64 bits: halves are kept
_NAMES: Final = {"throughput_rx": "rx", "throughput_tx": "tx"}
_HALF: Final = 1 << 32
_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Rows:
    """Hours and steps of channels, a row each in no order, and their histograms apart.

    `columns` by name as in the tables; a greatest value is -1 where there is none, `lows` (the
    least mean of a step) NaN. Buckets are as stored, other metrics' too.
    """

    channel_key: Int64
    start_s: Int64
    columns: dict[str, Int64]
    lows: dict[str, Float64]
    histogram: LatencyCounts

    def starting_in(self, ranges: Sequence[Range]) -> "Rows":
        """Return what starts in ranges that are in order of time."""
        rows, many = _within(self.start_s, ranges), _within(self.histogram.start_s, ranges)
        if rows.all() and many.all():
            return self
        return Rows(
            self.channel_key[rows],
            self.start_s[rows],
            {name: values[rows] for name, values in self.columns.items()},
            {name: values[rows] for name, values in self.lows.items()},
            self.histogram.take(many),
        )

    def points(self, metric: str, bins: Bins) -> Points:
        """Return low, middle and high of each channel and bin that has a value.

        Of latency p5, median and p95; of others the least mean of a step, the mean, the greatest.
        """
        if metric == "latency":
            return self.histogram.of_latency().points(bins)
        name = _NAMES.get(metric, metric)
        if len(self.start_s) == 0:
            return {}
        count = self.columns[f"{name}_count"]
        some = np.flatnonzero(count)
        keys = distinct(self.channel_key)
        group = np.searchsorted(keys, self.channel_key[some]) * bins.count
        group += (self.start_s[some] - bins.start_s) // bins.step_s
        some, group = some[order := np.argsort(group, kind="stable")], group[order]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        if len(first) == 0:
            return {}
        total = self._total(name, some, first)
        lows = np.fmin.reduceat(self.lows[name][some], first).tolist()
        means = (total / np.add.reduceat(count[some], first)).tolist()
        greatest = self.columns[f"{name}_max_{_UNITS[name]}"]
        highs = np.maximum.reduceat(greatest[some], first).tolist()
        where = ((int(keys[at // bins.count]), at % bins.count) for at in group[first].tolist())
        points = zip(lows, means, map(float, highs), strict=True)
        return dict(zip(where, points, strict=True))

    def _total(self, name: str, rows: npt.NDArray[np.intp], first: npt.NDArray[np.intp]) -> Float64:
        """Return sums of groups of rows, rounded once."""
        if name not in _WIDE:
            total = self.columns[f"{name}_sum_{_UNITS[name]}"]
            return np.add.reduceat(total[rows], first).astype(np.float64)
        low = np.add.reduceat(self.columns[f"{name}_sum_low"][rows], first)
        high = np.add.reduceat(self.columns[f"{name}_sum_high"][rows], first) + low // _HALF
        whole: Float64 = high.astype(np.float64) * _HALF + (low % _HALF).astype(np.float64)
        return whole

    def observed(self, asked: Asked) -> tuple[Observed, ...]:
        """Return what all rows come to, by channel; those without a row are left out."""
        keys = distinct(self.channel_key)
        row = np.searchsorted(keys, self.channel_key)
        buckets = self.histogram.by_key()
        found = []
        for channel in asked.channels:
            at = int(np.searchsorted(keys, channel.channel_key))
            if at == len(keys) or keys[at] != channel.channel_key:
                continue
            of = np.flatnonzero(row == at)
            totals = {name: values[of] for name, values in self.columns.items()}
            found.append(_observed(asked, channel.channel, totals, buckets.get(int(keys[at]), {})))
        return tuple(found)


def _observed(
    asked: Asked, name: str, columns: dict[str, Int64], buckets: dict[int, int]
) -> Observed:
    def total(column: str) -> int:
        return int(columns[column].sum())

    def greatest(column: str) -> int:
        return max(int(columns[column].max(initial=0)), 0)

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

    by: Callable[[duckdb.DuckDBPyConnection, Sequence[int], Sequence[Range]], Rows]
    read: list[Range] = field(default_factory=list)
    parts: list[Rows] = field(default_factory=list)

    def rows(
        self, cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], ranges: Sequence[Range]
    ) -> Iterator[Rows]:
        """Yield what starts in ranges; what was not read before is."""
        for some in near(without(ranges, self.read)):
            self.parts.append(self.by(cursor, keys, some))
            self.read = sorted([*self.read, *some])
        for part in self.parts:
            yield part.starting_in(ranges)


class Readings:
    """Reads what was measured of channels of one grid, each row at most once; of one snapshot."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int], rollup_seconds: int
    ) -> None:
        """Remember what may be asked for; nothing is read yet."""
        self._cursor = cursor
        self._keys = tuple(channel_keys)
        self._by_hours = BLOCK_SECONDS % rollup_seconds == 0  # else a step may reach beyond an hour
        self._readable: Readable | None = None
        self._blocks, self._steps = _Form(read_days), _Form(read_steps)
        self._found: dict[tuple[tuple[Range, ...], bool], Rows] = {}

    def rows(self, pieces: Sequence[Range], *, in_hours: bool = True) -> Rows:
        """Return what starts in pieces of whole steps, in order of time.

        `in_hours` False: every step as a row of its own.
        """
        asked = tuple(pieces), in_hours
        found = self._found.get(asked)
        if found is None:  # five charts at two resolutions ask for the same
            found = self._found[asked] = self._rows(pieces, in_hours=in_hours)
        return found

    def _rows(self, pieces: Sequence[Range], *, in_hours: bool) -> Rows:
        if not self._keys:
            return _together([])
        split = Split((), tuple(pieces))
        if in_hours and self._by_hours:
            if self._readable is None:
                self._readable = readable(self._cursor, self._keys)
            split = self._readable.split(pieces)
        return _together(
            [
                *(
                    part.starting_in(split.blocks)
                    for part in self._blocks.rows(self._cursor, self._keys, days(split.blocks))
                ),
                *self._steps.rows(self._cursor, self._keys, split.steps),
            ]
        )

    def observed(self, asked: Asked) -> tuple[Observed, ...]:
        """Return what is asked, by channel, exactly as `observed_of` does."""
        return self.rows(asked.pieces).observed(asked) if asked.pieces else ()


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


def _within(start_s: Int64, ranges: Sequence[Range]) -> Bool:
    if not ranges:
        return np.zeros(len(start_s), np.bool_)
    lower, upper = np.array(ranges, np.int64).T
    at = np.searchsorted(lower, start_s, "right") - 1
    inside: Bool = (at >= 0) & (start_s < upper[at])
    return inside


def days(ranges: Sequence[Range]) -> list[Range]:
    """Return the UTC days that ranges lie in, as ranges that are apart."""
    found: list[Range] = []
    for lower, upper in ranges:
        first, last = lower // DAY_SECONDS * DAY_SECONDS, -(-upper // DAY_SECONDS) * DAY_SECONDS
        if found and found[-1][1] >= first:
            first = found.pop()[0]
        found.append((first, last))
    return found


def read_days(
    cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], ranges: Sequence[Range]
) -> Rows:
    """Return all blocks there are in ranges of whole days, of all channels of a circuit."""
    packs = [
        pack
        for lower, upper in ranges
        for place in places_of(min(keys), lower, upper)
        for _, _, pack in packs_of(
            read(cursor, "packs_at", {"place": place, "from_s": lower, "to_s": upper})
        )
    ]
    pack = Pack.together(packs)
    pack = pack.take(np.isin(pack.channel_key, keys))
    key, start_s = pack.channel_key, pack.start_s
    return Rows(
        key,
        start_s,
        dict(zip(COLUMNS[KEYS:], pack.whole[KEYS:], strict=True)),
        dict(zip(_UNITS, pack.lows, strict=True)),
        _histogram(key, start_s, pack.lengths, pack.bucket.astype(np.int64), pack.count),
    )


def _histogram(
    key: Int64, start_s: Int64, lengths: Int64, bucket: Int64, count: Int64
) -> LatencyCounts:
    return LatencyCounts(np.repeat(key, lengths), np.repeat(start_s, lengths), bucket, count)


def read_steps(
    cursor: duckdb.DuckDBPyConnection, keys: Sequence[int], ranges: Sequence[Range]
) -> Rows:
    """Return all rollup steps that start in ranges, of channels.

    Parts of a step are one row: the least mean does not hang on how polls were cut.
    """
    found = cursor.sql(
        statement("sla", "rows_steps"),
        params={
            "channel_keys": list(keys),
            "first_key": min(keys),
            "last_key": max(keys),
            "from_s": [lower for lower, _ in ranges],
            "to_s": [upper for _, upper in ranges],
            "first_s": ranges[0][0],
            "last_s": ranges[-1][1],
        },
    ).to_arrow_table()
    key, start_s = (column_of(found, name) for name in COLUMNS[:KEYS])
    columns = {name: column_of(found, name) for name in COLUMNS[KEYS:]}
    histogram = _histogram(key, start_s, *lists_of(found))
    order = np.lexsort((start_s, key))
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (np.diff(key[order]) != 0) | (np.diff(start_s[order]) != 0)
    first = np.flatnonzero(begins)
    key, start_s = key[order][first], start_s[order][first]
    if len(first):
        columns = {
            name: (np.maximum if "_max_" in name else np.add).reduceat(values[order], first)
            for name, values in columns.items()
        }
    lows = {}
    for name, unit in _UNITS.items():
        total = columns[f"{name}_sum_{'low' if name in _WIDE else unit}"].astype(np.float64)
        if name in _WIDE:
            total += columns[f"{name}_sum_high"].astype(np.float64) * _HALF
        with np.errstate(invalid="ignore"):
            lows[name] = total / columns[f"{name}_count"]
    return Rows(key, start_s, columns, lows, histogram)


def _together(parts: Sequence[Rows]) -> Rows:
    if not parts:
        return Rows(_NONE, _NONE, {}, {}, LatencyCounts.together([]))
    if len(parts) == 1:
        return parts[0]
    return Rows(
        np.concatenate([part.channel_key for part in parts]),
        np.concatenate([part.start_s for part in parts]),
        {name: np.concatenate([p.columns[name] for p in parts]) for name in parts[0].columns},
        {name: np.concatenate([p.lows[name] for p in parts]) for name in parts[0].lows},
        LatencyCounts.together([part.histogram for part in parts]),
    )
