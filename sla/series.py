"""Metrics over time, for charts: gaps stay gaps."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from linksla.errors import UsageError
from linksla.inventory import Circuit
from linksla.sql import statement
from processors.blocks import BLOCK_SECONDS, Split
from sla.answers import Series, SeriesPoint
from sla.contracts import Contract
from sla.measured import Bins, Points, read_latency, read_sums, split_for
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


@dataclass(frozen=True, slots=True)
class _Found:
    points: Mapping[str, Points]  # by metric


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
    keys = [channel.channel_key for channel in channels]
    kind = "latency" if asked.metric == "latency" else "sums"
    remembered = (kind, circuit.id, tuple(keys), tuple(owns), bins)
    found = memory.get(remembered)
    if not isinstance(found, _Found):
        found = memory[remembered] = _Found(_read(cursor, kind, circuit, keys, owns, bins))
    values = found.points[asked.metric]
    scale = METRICS[asked.metric].scale
    if kind == "latency":
        return {at: (a / 1_000, b / 1_000, c / 1_000) for at, (a, b, c) in values.items()}
    return {at: (a * scale, b * scale, c * scale) for at, (a, b, c) in values.items()}


def _read(
    cursor: duckdb.DuckDBPyConnection,
    kind: str,
    circuit: Circuit,
    keys: Sequence[int],
    owns: Sequence[Ownership],
    bins: Bins,
) -> dict[str, Points]:
    """Read what may be seen of a range: a step belongs to who owned the circuit at its start."""
    grain = rollup_seconds(circuit)
    pieces = [
        (-(-lower // grain) * grain, upper)
        for own in owns
        for lower, upper in [(max(own.start_s, bins.start_s), min(own.end_s, bins.end_s))]
        if lower < upper
    ]
    split = split_for(cursor, keys, pieces, grain) if bins.whole_hours else Split((), tuple(pieces))
    if kind == "latency":
        return {"latency": read_latency(cursor, keys, split, bins)}
    return read_sums(cursor, keys, split, bins)


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
    nothing = (None, None, None)
    return tuple(
        SeriesPoint(
            asked.start_s + number * asked.step_s,
            *values.get((channel.channel_key, number), nothing),
        )
        for number in range(asked.points)
    )


def _limit(contract: Contract, metric: _Metric) -> tuple[str, float | None]:
    """Return the contract's first line on a metric, to draw in."""
    for objective in contract.objectives:
        if objective.metric == metric.objective:
            label = f"{objective.name} ≤ {plain(objective.limit)} {metric.unit}"
            return label, float(objective.limit)
    return "", None
