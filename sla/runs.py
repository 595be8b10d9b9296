"""Spans of channels to runs of a circuit's availability: the SQL core and what goes into it.

One statement judges many circuits at once, each under several assumptions (nominal, channels under
accepted windows good, every unknown good or bad). See sql/availability_runs.sql for the rules.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import duckdb

from linksla.model import LOSS_LADDER_PPM
from linksla.sql import statement
from sla.answers import Bucket
from sla.contracts import Contract


class State(IntEnum):
    """A circuit's or channel's state in a cell, under a contract."""

    UNKNOWN = 0
    GOOD = 1
    BAD = 2


class UnknownAs(IntEnum):
    """What a channel's unknown cells count as: for the bounds of a verdict (DESIGN 7.6)."""

    UNKNOWN = 0
    GOOD = 1
    BAD = 2


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
class LiveSpan:
    """A provisional span: evidence beyond what is complete."""

    channel_key: int
    start_s: int
    end_s: int
    bgp: int
    loss_class: int | None


@dataclass(frozen=True, slots=True)
class AvailabilityRun:
    """A run of equal state and equal availability of a circuit, [start_s, end_s)."""

    start_s: int
    end_s: int
    state: State
    availability: Bucket  # UP, DOWN or UNMEASURED


_AVAILABILITY: Final = {"u": Bucket.UP, "d": Bucket.DOWN, "?": Bucket.UNMEASURED}


def loss_class_max(contract: Contract) -> int:
    """Return the class of the contract's loss threshold: bad is above it."""
    return LOSS_LADDER_PPM.index(int(contract.availability.loss_threshold * 1_000_000))


def availability_runs(
    cursor: duckdb.DuckDBPyConnection,
    judgements: Sequence[Judgement],
    parts: Sequence[ChannelPart],
    live: Sequence[LiveSpan] = (),
) -> tuple[tuple[AvailabilityRun, ...], ...]:
    """Return the runs of each judgement, in its order; each covers [start_s, end_s) without gap."""
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
