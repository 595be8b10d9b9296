"""Spans of channels to runs of a circuit's availability, and what goes into it.

Many circuits are judged at once, each under several assumptions (nominal, channels under accepted
windows good, every unknown good or bad): in columns (`sla.boundaries`), or by one statement, which
takes four times as long for one circuit, twice for 200, and which whoever asks for an explanation
can read and run again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linksla.model import EVIDENCE_BGP_NOT, LOSS_LADDER_PPM
from linksla.sql import statement
from processors.observations import Bool, Int64
from processors.runs import Runs
from sla.answers import Bucket
from sla.boundaries import (
    Ranges,
    State,
    StateRuns,
    Stretches,
    UnknownAs,
    moments_of,
    pairs,
    state_runs,
)
from sla.contracts import Contract
from sla.spans import LiveSpan, SpanSource, known_spans


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judging of one circuit over [start_s, end_s), under one assumption."""

    circuit: int
    needed: int  # k
    consecutive: int  # n cells
    grid_seconds: int
    loss_class_max: int  # greatest class that is not bad
    start_s: int
    end_s: int
    initially_down: bool = False
    unknown_as: UnknownAs = UnknownAs.UNKNOWN
    windows_good: bool = False


@dataclass(frozen=True, slots=True)
class ChannelPart:
    """A stretch of a channel's active time, under an accepted window or not."""

    circuit: int
    channel_key: int
    start_s: int
    end_s: int
    windowed: bool = False


@dataclass(frozen=True, slots=True)
class AvailabilityRun:
    """A run of equal state and equal availability of a circuit, [start_s, end_s)."""

    start_s: int
    end_s: int
    state: State
    availability: Bucket  # UP, DOWN or UNMEASURED


Found = tuple[tuple[AvailabilityRun, ...], ...]
RunsOf = Callable[
    [duckdb.DuckDBPyConnection, Sequence[Judgement], Sequence[ChannelPart], Sequence[LiveSpan]],
    Found,
]

_AVAILABILITY: Final = {"u": Bucket.UP, "d": Bucket.DOWN, "?": Bucket.UNMEASURED}


def loss_class_max(contract: Contract) -> int:
    """Return the class of the contract's loss threshold: bad is above it."""
    part, whole = contract.availability.loss_threshold.as_integer_ratio()
    return LOSS_LADDER_PPM.index(part * 1_000_000 // whole)


@dataclass(frozen=True, slots=True)
class _Bases:
    """What judgements share that differ in their assumptions only, a row each; `row`: of each."""

    row: Int64
    circuit: Int64
    loss_class_max: Int64
    start_s: Int64
    end_s: Int64
    windows_good: Int64

    @classmethod
    def of(cls, judgements: Sequence[Judgement]) -> "_Bases":
        numbers: dict[tuple[int, int, int, int, bool], int] = {}
        row = [
            numbers.setdefault(
                (j.circuit, j.loss_class_max, j.start_s, j.end_s, j.windows_good), len(numbers)
            )
            for j in judgements
        ]
        columns = np.array(list(numbers), np.int64).reshape(-1, 5).T
        return cls(np.array(row, np.int64), *columns)

    def active(self, parts: "_Parts") -> "tuple[Stretches, Int64, Bool]":
        """Return where channels are active, which these are, and which are taken as good."""
        lower = np.searchsorted(parts.circuit, self.circuit)
        upper = np.searchsorted(parts.circuit, self.circuit, "right")
        base, part = pairs(lower, upper)
        stretches = Stretches(base, parts.start_s[part], parts.end_s[part])
        taken_good = (self.windows_good[base] != 0) & parts.windowed[part]
        return stretches, parts.channel_key[part], taken_good

    def known(
        self, active: Stretches, key: Int64, taken_good: Bool, spans: Runs
    ) -> tuple[Stretches, Bool]:
        """Return where channels are good or bad, and which of it is bad; `spans` by channel."""
        judged = np.flatnonzero(~taken_good)
        lower = np.searchsorted(spans.track, key[judged])
        upper = np.searchsorted(spans.track, key[judged], "right")
        number, place = pairs(lower, upper)
        of = judged[number]
        start = np.maximum(spans.start_s[place], active.start_s[of])
        end = np.minimum(spans.end_s[place], active.end_s[of])
        kept = start < end
        of, place = of[kept], place[kept]
        bad = (spans.bgp[place] == EVIDENCE_BGP_NOT) | (
            spans.loss_class[place] > self.loss_class_max[active.row[of]]
        )
        good = np.flatnonzero(taken_good)
        return (
            Stretches(
                np.append(active.row[of], active.row[good]),
                np.append(start[kept], active.start_s[good]),
                np.append(end[kept], active.end_s[good]),
            ),
            np.append(bad, np.zeros(len(good), np.bool_)),
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of channels' active times in columns, by circuit."""

    circuit: Int64
    channel_key: Int64
    start_s: Int64
    end_s: Int64
    windowed: Bool

    @classmethod
    def of(cls, parts: Sequence[ChannelPart]) -> "_Parts":
        rows = sorted((p.circuit, p.channel_key, p.start_s, p.end_s, p.windowed) for p in parts)
        columns = np.array(rows, np.int64).reshape(-1, 5).T
        return cls(columns[0], columns[1], columns[2], columns[3], columns[4] != 0)


def availability_runs(
    source: SpanSource,
    judgements: Sequence[Judgement],
    parts: Sequence[ChannelPart],
    live: Sequence[LiveSpan] = (),
) -> Found:
    """Return the runs of each judgement, in its order; each covers [start_s, end_s) without gap."""
    if not judgements:
        return ()
    bases, columns = _Bases.of(judgements), _Parts.of(parts)
    active, key, taken_good = bases.active(columns)
    ranges = Ranges(bases.start_s, bases.end_s)
    from_s, to_s = int(bases.start_s.min()), int(bases.end_s.max())
    spans = known_spans(source, columns.channel_key.tolist(), from_s, to_s, live)
    known, bad = bases.known(active, key, taken_good, spans)
    moments = moments_of(ranges, active, known, bad)
    rows = np.array(
        [
            (j.needed, j.consecutive * j.grid_seconds, int(j.unknown_as), j.initially_down)
            for j in judgements
        ],
        np.int64,
    ).T
    runs = state_runs(moments.of_rows(bases.row), rows[0], rows[1], rows[2], rows[3] != 0)
    return _told(runs, len(judgements))


_KINDS: Final = (Bucket.UP, Bucket.DOWN)


def _told(runs: StateRuns, judgements: int) -> Found:
    found: list[list[AvailabilityRun]] = [[] for _ in range(judgements)]
    columns = (runs.row, runs.start_s, runs.end_s, runs.state, runs.down)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for row, start_s, end_s, state, down in rows:
        bucket = _KINDS[down] if state else Bucket.UNMEASURED
        found[row].append(AvailabilityRun(start_s, end_s, _STATES[state], bucket))
    return tuple(tuple(one) for one in found)


_STATES: Final = tuple(State)


def availability_runs_by_statement(
    cursor: duckdb.DuckDBPyConnection,
    judgements: Sequence[Judgement],
    parts: Sequence[ChannelPart],
    live: Sequence[LiveSpan] = (),
) -> Found:
    """Return the same, worked out by sql/availability_runs.sql."""
    found: list[list[AvailabilityRun]] = [[] for _ in judgements]
    if not judgements:
        return ()
    rows = cursor.execute(
        statement("sla", "availability_runs"),
        {
            "judgement_key": list(range(len(judgements))),
            "judgement_circuit": [j.circuit for j in judgements],
            "judgement_needed": [j.needed for j in judgements],
            "judgement_decisive_seconds": [j.consecutive * j.grid_seconds for j in judgements],
            "judgement_loss_class_max": [j.loss_class_max for j in judgements],
            "judgement_start_s": [j.start_s for j in judgements],
            "judgement_end_s": [j.end_s for j in judgements],
            "judgement_initially_down": [j.initially_down for j in judgements],
            "judgement_unknown_as": [int(j.unknown_as) for j in judgements],
            "judgement_windows_good": [j.windows_good for j in judgements],
            "part_circuit": [p.circuit for p in parts],
            "part_channel_key": [p.channel_key for p in parts],
            "part_start_s": [p.start_s for p in parts],
            "part_end_s": [p.end_s for p in parts],
            "part_windowed": [p.windowed for p in parts],
            "live_channel_key": [s.channel_key for s in live],
            "live_start_s": [s.start_s for s in live],
            "live_end_s": [s.end_s for s in live],
            "live_bgp": [s.bgp for s in live],
            "live_loss_class": [s.loss_class for s in live],
        },
    ).fetchall()
    for key, start_s, end_s, state, availability in rows:
        found[key].append(
            AvailabilityRun(start_s, end_s, State(state), _AVAILABILITY[availability])
        )
    return tuple(tuple(runs) for runs in found)


def cut_at_windows(
    circuit: int, channel_key: int, start_s: int, end_s: int, windows: Iterable[tuple[int, int]]
) -> tuple[ChannelPart, ...]:
    """Return a channel's time [start_s, end_s) cut where accepted windows begin and end."""
    parts = []
    at = start_s
    for lower, upper in sorted(windows):
        lower, upper = max(lower, at), min(upper, end_s)
        if lower >= upper:
            continue
        if lower > at:
            parts.append(ChannelPart(circuit, channel_key, at, lower))
        parts.append(ChannelPart(circuit, channel_key, lower, upper, windowed=True))
        at = upper
    if at < end_s:
        parts.append(ChannelPart(circuit, channel_key, at, end_s))
    return tuple(parts)
