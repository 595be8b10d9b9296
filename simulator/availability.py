"""The truth about up and down, by plain arithmetic on runs (DESIGN 7.1 to 7.4).

Written from the design alone, so that it can disagree with the pipeline. A run is
(state, start, end); starts and ends are seconds on whole cells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from simulator.intervals import Interval, Intervals, union


class State(StrEnum):
    """Of a channel or circuit in a cell, under a contract."""

    GOOD = "G"
    BAD = "B"
    UNKNOWN = "?"


class Availability(StrEnum):
    """Of a circuit in a cell, after the n-consecutive rule."""

    UP = "u"
    DOWN = "d"
    UNMEASURED = "?"


Run = tuple[State, int, int]
AvailabilityRun = tuple[Availability, int, int]


@dataclass(frozen=True, slots=True)
class ChannelTime:
    """When a channel is enabled, and when within that it is bad or unknown; else it is good."""

    enabled: Interval
    bad: Intervals
    unknown: Intervals


def merge(channels: Mapping[str, ChannelTime], up_at_least: int, life: Interval) -> tuple[Run, ...]:
    """Return the circuit's runs over `life` (DESIGN 7.2), neighbours of equal state joined.

    Good when at least `up_at_least` channels are good; bad when fewer than that can be; else
    unknown. A channel that is not enabled can not be good.
    """
    edges = {*life}
    for channel in channels.values():
        for start, end in (channel.enabled, *channel.bad, *channel.unknown):
            edges.update(edge for edge in (start, end) if life[0] < edge < life[1])
    cuts = sorted(edges)
    runs: list[Run] = []
    for start, end in pairwise(cuts):
        good = unknown = 0
        for channel in channels.values():
            if not _holds((channel.enabled,), start) or _holds(channel.bad, start):
                continue
            if _holds(channel.unknown, start):
                unknown += 1
            else:
                good += 1
        if good >= up_at_least:
            state = State.GOOD
        elif good + unknown < up_at_least:
            state = State.BAD
        else:
            state = State.UNKNOWN
        runs.append((state, start, end))
    return joined(runs)


def _holds(parts: Sequence[Interval], second: int) -> bool:
    return any(start <= second < end for start, end in parts)


def joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Return runs with neighbours of equal state made one."""
    out: list[Run] = []
    for state, start, end in runs:
        if out and out[-1][0] is state and out[-1][2] == start:
            out[-1] = (state, out[-1][1], end)
        elif start < end:
            out.append((state, start, end))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the n-consecutive rule makes of a circuit's runs.

    `downs`: from each onset of down to the onset of up after it; an end of None: still down.
    """

    runs: tuple[AvailabilityRun, ...]
    downs: tuple[tuple[int, int | None], ...]

    def seconds_of(self, availability: Availability) -> Intervals:
        """Return when the circuit was up, down or unmeasured."""
        return union((a, b) for what, a, b in self.runs if what is availability)


def judge(
    runs: Sequence[Run], grid_seconds: int, consecutive: int, *, down: bool = False
) -> Judged:
    """Return up, down and unmeasured of joined runs (RFC 4805, MEF 10; DESIGN 7.3).

    `down`: whether the circuit was down before the first run.
    """
    turns: list[tuple[int, bool]] = []
    now_down = down
    for state, onset, cells in _stretches(runs, grid_seconds, consecutive):
        if cells >= consecutive and (state is State.BAD) != now_down:
            now_down = not now_down
            turns.append((onset, now_down))
    out: list[AvailabilityRun] = []
    for state, start, end in runs:
        if state is State.UNKNOWN:
            out.append((Availability.UNMEASURED, start, end))
            continue
        before = [is_down for onset, is_down in turns if onset <= start]
        is_down = before[-1] if before else down
        out.append((Availability.DOWN if is_down else Availability.UP, start, end))
    return Judged(tuple(out), tuple(_downs(turns, runs[0][1] if runs else 0, down)))


def _stretches(
    runs: Sequence[Run], grid_seconds: int, consecutive: int
) -> Iterator[tuple[State, int, int]]:
    """Yield (state, onset, known cells) of runs that fewer than n unknown cells do not break."""
    state: State | None = None
    onset = cells = 0
    for this, start, end in runs:
        count = (end - start) // grid_seconds
        if this is State.UNKNOWN:
            if count >= consecutive and state is not None:
                yield state, onset, cells
                state = None
        elif this is state:
            cells += count
        else:
            if state is not None:
                yield state, onset, cells
            state, onset, cells = this, start, count
    if state is not None:
        yield state, onset, cells


def _downs(
    turns: Sequence[tuple[int, bool]], start: int, down: bool
) -> Iterator[tuple[int, int | None]]:
    onset: int | None = start if down else None
    for at, is_down in turns:
        if is_down:
            onset = at
        elif onset is not None:
            yield onset, at
            onset = None
    if onset is not None:
        yield onset, None
