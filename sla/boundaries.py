"""Where circuits are up and down, of many at once: work on boundaries in columns, never on cells.

The same rules as `sla/sql/availability_runs.sql` (DESIGN 7.1 to 7.3), which an explanation shows
and runs; a property test holds the two together. Pure.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from processors.observations import Bool, Int64


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
class Ranges:
    """[from_s, to_s) that is judged, by row."""

    from_s: Int64
    to_s: Int64


@dataclass(frozen=True, slots=True)
class Stretches:
    """[start_s, end_s) of channels, by row of what they are judged in; several may overlap."""

    row: Int64
    start_s: Int64
    end_s: Int64

    def within(self, asked: Ranges) -> "tuple[Stretches, Bool]":
        """Return what lies in the judged range, and which of the stretches those are."""
        start = np.maximum(self.start_s, asked.from_s[self.row])
        end = np.minimum(self.end_s, asked.to_s[self.row])
        kept = start < end
        return Stretches(self.row[kept], start[kept], end[kept]), kept


@dataclass(frozen=True, slots=True)
class Moments:
    """Stretches of time with the channels that are enabled, good and bad in them, in order."""

    row: Int64
    start_s: Int64
    end_s: Int64
    enabled: Int64
    good: Int64
    bad: Int64

    def of_rows(self, rows: Int64) -> "Moments":
        """Return those of row rows[0] as row 0's, and so on; a row may be taken several times."""
        lower, upper = np.searchsorted(self.row, rows), np.searchsorted(self.row, rows, "right")
        number, place = pairs(lower, upper)
        return Moments(
            number,
            self.start_s[place],
            self.end_s[place],
            self.enabled[place],
            self.good[place],
            self.bad[place],
        )


@dataclass(frozen=True, slots=True)
class StateRuns:
    """Runs of equal state, by row and in order; `down`: of those that are not unknown."""

    row: Int64
    start_s: Int64
    end_s: Int64
    state: Int64
    down: Bool


def pairs(lower: Int64, upper: Int64) -> tuple[Int64, Int64]:
    """Return (number, place) for each place in [lower[number], upper[number]), in order."""
    counts = np.maximum(upper - lower, 0)
    number = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    return number, np.arange(len(number)) - begins[number] + lower[number]


def moments_of(asked: Ranges, active: Stretches, known: Stretches, bad: Bool) -> Moments:
    """Cut the asked ranges wherever a channel changes.

    `active` is where channels are active, `known` where they are good, or `bad`; `known` lies
    within it, and does not overlap itself within a channel.
    """
    active, _ = active.within(asked)
    known, kept = known.within(asked)
    rows = np.arange(len(asked.from_s))
    # enabled, good and bad as digits of one number: one sum for all three
    worth = np.where(bad[kept], _BAD, _GOOD)
    row = np.concatenate([known.row, known.row, active.row, active.row, rows, rows])
    ends = np.maximum(asked.from_s, asked.to_s)
    at = np.concatenate(
        [known.start_s, known.end_s, active.start_s, active.end_s, asked.from_s, ends]
    )
    one, none = np.full(len(active.row), _ENABLED), np.zeros(len(rows), np.int64)
    step = np.concatenate([worth, -worth, one, -one, none, none])
    base = int(asked.from_s.min(initial=0))
    bits = int(max(int(ends.max(initial=1)) - base, 1)).bit_length()
    order = np.argsort((row << bits) | (at - base))
    row, at, level = row[order], at[order], np.cumsum(step[order])
    last = np.ones(len(row), np.bool_)  # of all that happens at one moment
    last[:-1] = (row[1:] != row[:-1]) | (at[1:] != at[:-1])
    row, at, level = row[last], at[last], level[last]
    follows = np.zeros(len(row), np.bool_)
    follows[:-1] = row[1:] == row[:-1]
    begins = np.flatnonzero(follows)
    level = level[begins]
    return Moments(
        row[begins],
        at[begins],
        at[begins + 1],
        level // _ENABLED,
        level // _GOOD % _DIGIT,
        level % _DIGIT,
    )


_DIGIT: Final = 1 << 20  # channels of a circuit
_BAD, _GOOD, _ENABLED = 1, _DIGIT, _DIGIT * _DIGIT


def state_runs(
    moments: Moments, needed: Int64, decisive_s: Int64, unknown_as: Int64, initially_down: Bool
) -> StateRuns:
    """Return the runs of each row: k channels, n cells in seconds, UnknownAs, by row."""
    row = moments.row
    possible = moments.enabled - moments.bad
    taken = unknown_as[row]
    good = np.where(taken == int(UnknownAs.GOOD), possible, moments.good) >= needed[row]
    bad = np.where(taken == int(UnknownAs.BAD), moments.good, possible) < needed[row]
    state = np.where(good, int(State.GOOD), np.where(bad, int(State.BAD), int(State.UNKNOWN)))
    first = np.flatnonzero(_changes(row, state))
    end = moments.end_s[np.append(first[1:], len(row)) - 1] if len(first) else moments.end_s
    row, state, start = row[first], state[first], moments.start_s[first]
    down = _down(row, state, end - start, decisive_s, initially_down)
    return StateRuns(row, start, end, state, down)


def _down(
    row: Int64, state: Int64, seconds: Int64, decisive_s: Int64, initially_down: Bool
) -> Bool:
    """Return which runs are down, or would be: n cells decide, and unknown ones keep the state.

    Unknown runs of n cells or more break; shorter ones are transparent.
    """
    unknown = state == int(State.UNKNOWN)
    telling = np.flatnonzero(~unknown | (seconds >= decisive_s[row]))
    down = np.zeros(len(row), np.bool_)
    if len(telling) == 0:
        return down
    of, what = row[telling], state[telling]
    begins = _changes(of, what)  # two unknown runs are never neighbours
    first = np.flatnonzero(begins)
    together = np.add.reduceat(seconds[telling], first)
    island_row = of[first]
    decides = (what[first] != int(State.UNKNOWN)) & (together >= decisive_s[island_row])
    # the latest island that decides, of the same row; before the first one it is as it began
    new_row = np.ones(len(first), np.bool_)
    new_row[1:] = island_row[1:] != island_row[:-1]
    number = np.arange(len(first))
    latest = np.maximum.accumulate(np.where(decides | new_row, number, 0))
    is_bad = what[first][latest] == int(State.BAD)
    island_down = np.where(decides[latest], is_bad, initially_down[island_row])
    down[telling] = island_down[np.cumsum(begins) - 1]
    return down


def _changes(row: Int64, state: Int64) -> Bool:
    changes = np.ones(len(row), np.bool_)
    changes[1:] = (row[1:] != row[:-1]) | (state[1:] != state[:-1])
    return changes
