"""Metrics over time, for charts: gaps stay gaps."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from linksla.errors import UsageError
from linksla.inventory import Circuit
from linksla.sql import statement
from processors.blocks import BLOCK_SECONDS, Range, Split
from sla.answers import Series, SeriesPoint
from sla.contracts import Contract
from sla.measured import (
    Bins,
    LatencyCounts,
    Points,
    Sums,
    read_latency,
    read_sums,
    split_for,
)
from sla.performance import rollup_seconds
from sla.periods import Ownership
from sla.telemetry import ChannelRow
from sla.words import plain

POINTS_MAX: Final = 10_000

Memory = MutableMapping[object, object]
"""What questions of one snapshot have read already."""


@dataclass(frozen=True, slots=True)
class _Metric:
    unit: str
    scale: float  # stored integers to the unit
    objective: str = ""


METRICS: Final[Mapping[str, _Metric]] = {
    "latency": _Metric("ms", 1e-3, "latency"),
    "jitter": _Metric("ms", 1e-3, "jitter"),
    "loss": _Metric("ratio", 1e-6, "loss"),
    "throughput_rx": _Metric("bit/s", 1.0),
    "throughput_tx": _Metric("bit/s", 1.0),
    "bgp": _Metric("share established", 1.0),
}


@dataclass(frozen=True, slots=True)
class SeriesAsked:
    """Which metric of which range, checked; `step_s` is a multiple of the rollup's step."""

    metric: str
    start_s: int
    end_s: int
    step_s: int

    @property
    def points(self) -> int:
        """How many steps the range has."""
        return -(-(self.end_s - self.start_s) // self.step_s)


def checked(circuit: Circuit, metric: str, start_s: int, end_s: int, step_s: int) -> SeriesAsked:
    """Return what is asked for, on whole rollup steps; steps of whole hours begin on an hour.

    Raises:
        UsageError: an unknown metric, an empty range, a step below 1 s, more than 10,000 points.
    """
    if metric not in METRICS:
        raise UsageError(f"there is no metric {metric!r}", hint=f"Known: {', '.join(METRICS)}.")
    if end_s <= start_s or step_s < 1:
        raise UsageError(
            "the range is empty or the step below 1 s", hint="Ask from < to, step ≥ 1."
        )
    grain = rollup_seconds(circuit)
    step = -(-step_s // grain) * grain
    unit = BLOCK_SECONDS if step % BLOCK_SECONDS == 0 else grain  # blocks serve whole hours
    unit = max(unit, grain)
    asked = SeriesAsked(metric, start_s // unit * unit, end_s, step)
    if asked.points > POINTS_MAX:
        least = -(-(asked.end_s - asked.start_s) // POINTS_MAX)
        raise UsageError(
            f"{asked.points:,} points are more than {POINTS_MAX:,}",
            hint=f"Ask a step of {-(-least // grain) * grain} s or more.",
        )
    return asked


def read_series(
    cursor: duckdb.DuckDBPyConnection,
    circuit: Circuit,
    contract: Contract,
    channels: Sequence[ChannelRow],
    owns: Sequence[Ownership],
    asked: SeriesAsked,
    memory: Memory | None = None,
) -> Series:
    """Return a metric over a range, one line a channel that was active in it.

    `memory` is for questions of one snapshot: most metrics are read together.
    """
    metric = METRICS[asked.metric]
    active = [
        channel
        for channel in channels
        if channel.active_from_s < asked.end_s
        and (channel.active_to_s is None or channel.active_to_s > asked.start_s)
    ]
    values = _values(cursor, circuit, active, owns, asked, {} if memory is None else memory)
    label, limit = _limit(contract, metric)
    return Series(
        circuit.id,
        asked.metric,
        metric.unit,
        asked.step_s,
        limit,
        label,
        tuple((channel.channel, _points(values, channel, asked)) for channel in active),
    )


def _values(
    cursor: duckdb.DuckDBPyConnection,
    circuit: Circuit,
    channels: Sequence[ChannelRow],
    owns: Sequence[Ownership],
    asked: SeriesAsked,
    memory: Memory,
) -> Points:
    if asked.metric == "bgp":
        return _bgp(cursor, channels, owns, asked)
    bins = Bins(asked.start_s, asked.end_s, asked.step_s)
    keys = tuple(channel.channel_key for channel in channels)
    pieces = _pieces(owns, bins, rollup_seconds(circuit))

    def split() -> Split:
        if not bins.whole_hours:
            return Split((), pieces)
        return split_for(cursor, keys, pieces, rollup_seconds(circuit))

    about = (keys, pieces, bins.whole_hours)
    if asked.metric == "latency":
        counts = memory.get(("latency", about))
        if not isinstance(counts, LatencyCounts):
            counts = memory["latency", about] = read_latency(cursor, keys, split())
        return counts.points(bins)
    sums = memory.get(("sums", about, bins.step_s))
    if not isinstance(sums, Sums):
        finer = memory.get(("sums", about))
        made = finer.coarser(bins) if isinstance(finer, Sums) else None
        sums = made or read_sums(cursor, keys, split(), bins)
        memory["sums", about, bins.step_s] = sums
        memory.setdefault(("sums", about), sums)
    return sums.points(asked.metric)


def _pieces(owns: Sequence[Ownership], bins: Bins, grain: int) -> tuple[Range, ...]:
    """Return what may be seen of a range: a step belongs to who owned the circuit at its start."""
    return tuple(
        (-(-lower // grain) * grain, upper)
        for own in owns
        for lower, upper in [(max(own.start_s, bins.start_s), min(own.end_s, bins.end_s))]
        if lower < upper
    )


def _bgp(
    cursor: duckdb.DuckDBPyConnection,
    channels: Sequence[ChannelRow],
    owns: Sequence[Ownership],
    asked: SeriesAsked,
) -> Points:
    keys = [channel.channel_key for channel in channels]
    parameters: dict[str, object] = {
        "channel_keys": keys,
        "first_key": min(keys, default=0),
        "last_key": max(keys, default=0),
        "owned_from_s": [own.start_s for own in owns],
        "owned_to_s": [own.end_s for own in owns],
        "start_s": asked.start_s,
        "end_s": asked.end_s,
        "step_s": asked.step_s,
    }
    rows = cursor.execute(statement("sla", "series_bgp"), parameters).fetchall()
    return {(key, step): (share, share, share) for key, step, share in rows}


def _points(values: Points, channel: ChannelRow, asked: SeriesAsked) -> tuple[SeriesPoint, ...]:
    scale, key = METRICS[asked.metric].scale, channel.channel_key
    found = []
    at_s = asked.start_s
    for number in range(asked.points):
        point = values.get((key, number))
        if point is None:
            found.append(SeriesPoint(at_s, None, None, None))
        else:
            low, middle, high = point
            found.append(SeriesPoint(at_s, low * scale, middle * scale, high * scale))
        at_s += asked.step_s
    return tuple(found)


def _limit(contract: Contract, metric: _Metric) -> tuple[str, float | None]:
    """Return the contract's first line on a metric, to draw in."""
    for objective in contract.objectives:
        if objective.metric == metric.objective:
            label = f"{objective.name} ≤ {plain(objective.limit)} {metric.unit}"
            return label, float(objective.limit)
    return "", None
