"""Metrics over time, for charts: gaps stay gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linksla.errors import UsageError
from linksla.inventory import Circuit
from linksla.model import EVIDENCE_BGP_ESTABLISHED, EVIDENCE_BGP_UNKNOWN
from processors.blocks import BLOCK_SECONDS, Range
from processors.held import Held
from sla import telemetry
from sla.answers import Line, Series
from sla.boundaries import pairs
from sla.contracts import Contract
from sla.measured import Bins, Lines
from sla.performance import rollup_seconds
from sla.periods import Ownership
from sla.readings import Readings, readings_of
from sla.spans import SpanSource, known_spans
from sla.telemetry import ChannelRow, Telemetry
from sla.words import plain

POINTS_MAX: Final = 10_000


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
    def starts_s(self) -> range:
        """Where its steps begin."""
        return range(self.start_s, self.end_s, self.step_s)

    @property
    def points(self) -> int:
        """How many steps the range has."""
        return len(self.starts_s)


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


def source_of(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry | None,
    held: Held | None,
    circuit: Circuit,
    metric: str,
) -> tuple[Sequence[ChannelRow], SpanSource | Readings]:
    """Return a circuit's channels, and where a metric of them is read from.

    From what a page has read already (`facts`), else the cursor and what is `held` of its commit.
    """
    known = telemetry.channels(cursor, [circuit.id], held) if facts is None else facts.channels
    channels = known.get(circuit.id, ())
    if metric == "bgp":
        return channels, cursor if facts is None else facts.spans_by(cursor)
    if facts is not None:
        return channels, readings_of(cursor, facts, circuit)
    keys = [one.channel_key for one in channels]
    return channels, Readings(cursor, keys, rollup_seconds(circuit))


def read_series(
    source: SpanSource | Readings,
    circuit: Circuit,
    contract: Contract,
    channels: Sequence[ChannelRow],
    owns: Sequence[Ownership],
    asked: SeriesAsked,
) -> Series:
    """Return a metric over a range, one line a channel that was active in it.

    `source`: of BGP the spans, of all others what was measured of the channels.
    """
    metric = METRICS[asked.metric]
    active = [
        channel
        for channel in channels
        if channel.active_from_s < asked.end_s
        and (channel.active_to_s is None or channel.active_to_s > asked.start_s)
    ]
    values = (
        _measured(source, circuit, owns, asked)
        if isinstance(source, Readings)
        else _bgp(source, active, owns, asked)
    )
    label, limit = _limit(contract, metric)
    return Series(
        circuit.id,
        asked.metric,
        metric.unit,
        asked.starts_s,
        limit,
        label,
        tuple(_line(values, channel, asked) for channel in active),
    )


def _measured(
    readings: Readings, circuit: Circuit, owns: Sequence[Ownership], asked: SeriesAsked
) -> Lines:
    bins = Bins(asked.start_s, asked.end_s, asked.step_s)
    pieces = _pieces(owns, bins, rollup_seconds(circuit))
    return readings.rows(pieces, in_hours=bins.whole_hours).lines(asked.metric, bins)


def _pieces(owns: Sequence[Ownership], bins: Bins, grain: int) -> tuple[Range, ...]:
    """Return what may be seen of a range: a step belongs to who owned the circuit at its start."""
    return tuple(
        (-(-lower // grain) * grain, upper)
        for own in owns
        for lower, upper in [(max(own.start_s, bins.start_s), min(own.end_s, bins.end_s))]
        if lower < upper
    )


def _bgp(
    source: SpanSource,
    channels: Sequence[ChannelRow],
    owns: Sequence[Ownership],
    asked: SeriesAsked,
) -> Lines:
    """Return the share of seconds with BGP established, of those where its state is known."""
    keys = sorted(channel.channel_key for channel in channels)
    runs = known_spans(source, keys, asked.start_s, asked.end_s)
    runs = runs.take(runs.bgp != EVIDENCE_BGP_UNKNOWN)
    known, up = (np.zeros((len(keys), asked.points), np.int64) for _ in range(2))
    for own in owns:
        lower, upper = max(own.start_s, asked.start_s), min(own.end_s, asked.end_s)
        first = np.maximum(runs.start_s, lower) - asked.start_s
        last = np.minimum(runs.end_s, upper) - asked.start_s
        inside = np.flatnonzero(first < last)
        row = np.searchsorted(keys, runs.track[inside])
        bins = first[inside] // asked.step_s, (last[inside] - 1) // asked.step_s
        number, column = pairs(bins[0], bins[1] + 1)
        begins = column * asked.step_s
        seconds = np.minimum(last[inside][number], begins + asked.step_s)
        seconds -= np.maximum(first[inside][number], begins)
        np.add.at(known, (row[number], column), seconds)
        seconds[runs.bgp[inside][number] != EVIDENCE_BGP_ESTABLISHED] = 0
        np.add.at(up, (row[number], column), seconds)
    shares = np.full(known.shape, np.nan)
    np.divide(up, known, out=shares, where=known > 0)
    return Lines(np.array(keys, np.int64), shares, shares, shares)


def _line(values: Lines, channel: ChannelRow, asked: SeriesAsked) -> Line:
    scale = METRICS[asked.metric].scale
    found = values.of(channel.channel_key)
    if found is None:
        none = np.full(asked.points, np.nan)
        return Line(channel.channel, none, none, none)
    return Line(channel.channel, *(of * scale for of in found))


def _limit(contract: Contract, metric: _Metric) -> tuple[str, float | None]:
    """Return the contract's first line on a metric, to draw in."""
    for objective in contract.objectives:
        if objective.metric == metric.objective:
            label = f"{objective.name} ≤ {plain(objective.limit)} {metric.unit}"
            return label, float(objective.limit)
    return "", None
