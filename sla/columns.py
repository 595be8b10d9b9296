"""A month of many circuits at once, in columns: buckets and the verdict on availability.

The same rules as `sla/sql/availability_runs.sql` and `sla.judge`, over arrays of boundaries instead
of a row a run: 5 million spans in seconds. For circuits without windows, attributions or segments;
words, credits and the other objectives are for the full judgement. Pure.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from processors.observations import Bool, Int64
from sla.answers import Outcome
from sla.contracts import AvailabilityTerms
from sla.judge import AT_RISK_SHARE
from sla.runs import State, UnknownAs

OUTCOMES: Final = (Outcome.MET, Outcome.AT_RISK, Outcome.BREACHED, Outcome.NOT_ASSESSABLE)
_MET, _AT_RISK, _BREACHED, _NOT_ASSESSABLE = range(4)


@dataclass(frozen=True, slots=True)
class Asked:
    """Circuits by row: how each is judged over [from_s, to_s), and which part is wanted."""

    needed: Int64  # k
    decisive_seconds: Int64  # n cells
    from_s: Int64
    to_s: Int64
    month_from_s: Int64
    month_to_s: Int64  # of what is complete

    def __len__(self) -> int:
        """Return the number of circuits."""
        return len(self.needed)


@dataclass(frozen=True, slots=True)
class Stretches:
    """[start_s, end_s) of channels, by row of their circuit; several may overlap in one circuit."""

    row: Int64
    start_s: Int64
    end_s: Int64

    def within(self, asked: Asked) -> "tuple[Stretches, Bool]":
        """Return what lies in the judged range, and which of the stretches those are."""
        start = np.maximum(self.start_s, asked.from_s[self.row])
        end = np.minimum(self.end_s, asked.to_s[self.row])
        kept = start < end
        return Stretches(self.row[kept], start[kept], end[kept]), kept


@dataclass(frozen=True, slots=True)
class Tallies:
    """Seconds of the wanted part, by row of their circuit."""

    up: Int64
    down: Int64
    unmeasured: Int64
    bad_but_not_down: Int64


@dataclass(frozen=True, slots=True)
class Judged:
    """Nominal, and with every unknown cell taken as bad and as good."""

    nominal: Tallies
    unknown_bad: Tallies
    unknown_good: Tallies


@dataclass(frozen=True, slots=True)
class _Moments:
    """Stretches of time with the channels that are enabled, good and bad in them, in order."""

    row: Int64
    start_s: Int64
    end_s: Int64
    enabled: Int64
    good: Int64
    bad: Int64


def judged(asked: Asked, active: Stretches, known: Stretches, bad: Bool) -> Judged:
    """Return the seconds of all circuits; `known` is where a channel is good, or `bad`.

    `active` is where channels are active; `known` lies within it, and does not overlap itself
    within a channel.
    """
    active, _ = active.within(asked)
    known, kept = known.within(asked)
    moments = _moments(asked, active, known, bad[kept])
    return Judged(*(_tallied(asked, moments, unknown) for unknown in
                    (UnknownAs.UNKNOWN, UnknownAs.BAD, UnknownAs.GOOD)))  # fmt: skip


def _moments(asked: Asked, active: Stretches, known: Stretches, bad: Bool) -> _Moments:
    rows = np.arange(len(asked))
    # enabled, good and bad as digits of one number: one sum for all three
    worth = np.where(bad, _BAD, _GOOD)
    row = np.concatenate([known.row, known.row, active.row, active.row, rows, rows])
    at = np.concatenate(
        [known.start_s, known.end_s, active.start_s, active.end_s, asked.from_s, asked.to_s]
    )
    one, none = np.full(len(active.row), _ENABLED), np.zeros(len(asked), np.int64)
    step = np.concatenate([worth, -worth, one, -one, none, none])
    base = int(asked.from_s.min(initial=0))
    bits = int(max(int(asked.to_s.max(initial=1)) - base, 1)).bit_length()
    order = np.argsort((row << bits) | (at - base))
    row, at, level = row[order], at[order], np.cumsum(step[order])
    last = np.ones(len(row), np.bool_)  # of all that happens at one moment
    last[:-1] = (row[1:] != row[:-1]) | (at[1:] != at[:-1])
    row, at, level = row[last], at[last], level[last]
    follows = np.zeros(len(row), np.bool_)
    follows[:-1] = row[1:] == row[:-1]
    begins = np.flatnonzero(follows)
    level = level[begins]
    return _Moments(
        row[begins],
        at[begins],
        at[begins + 1],
        level // _ENABLED,
        level // _GOOD % _DIGIT,
        level % _DIGIT,
    )


_DIGIT: Final = 1 << 20  # channels of a circuit
_BAD, _GOOD, _ENABLED = 1, _DIGIT, _DIGIT * _DIGIT


def _tallied(asked: Asked, moments: _Moments, unknown: UnknownAs) -> Tallies:
    needed = asked.needed[moments.row]
    possible = moments.enabled - moments.bad
    good = (possible if unknown is UnknownAs.GOOD else moments.good) >= needed
    bad = (moments.good if unknown is UnknownAs.BAD else possible) < needed
    state = np.where(good, int(State.GOOD), np.where(bad, int(State.BAD), int(State.UNKNOWN)))
    first = np.flatnonzero(_changes(moments.row, state))
    if len(first) == 0:
        nothing = np.zeros(len(asked), np.int64)
        return Tallies(nothing, nothing, nothing, nothing)
    row, state, start = moments.row[first], state[first], moments.start_s[first]
    end = moments.end_s[np.append(first[1:], len(moments.row)) - 1]
    down = _down(asked, row, state, end - start)
    seconds = np.minimum(end, asked.month_to_s[row]) - np.maximum(start, asked.month_from_s[row])
    seconds = np.maximum(seconds, 0)
    unmeasured = state == int(State.UNKNOWN)

    def total(which: Bool) -> Int64:
        return np.bincount(row[which], seconds[which], len(asked)).astype(np.int64)

    return Tallies(
        total(~down & ~unmeasured),
        total(down & ~unmeasured),
        total(unmeasured),
        total(~down & (state == int(State.BAD))),
    )


def _down(asked: Asked, row: Int64, state: Int64, seconds: Int64) -> Bool:
    """Return which runs are down, or would be: n cells decide, and unknown ones keep the state."""
    decisive = asked.decisive_seconds[row]
    unknown = state == int(State.UNKNOWN)
    telling = np.flatnonzero(~unknown | (seconds >= decisive))
    down = np.zeros(len(row), np.bool_)
    if len(telling) == 0:
        return down
    of, what = row[telling], state[telling]
    begins = _changes(of, what)  # two unknown runs are never neighbours
    first = np.flatnonzero(begins)
    together = np.add.reduceat(seconds[telling], first)
    decides = (what[first] != int(State.UNKNOWN)) & (together >= decisive[telling][first])
    # the latest island that decides, of the same circuit; before the first one it is up
    island_row = of[first]
    new_row = np.ones(len(first), np.bool_)
    new_row[1:] = island_row[1:] != island_row[:-1]
    number = np.arange(len(first))
    latest = np.maximum.accumulate(np.where(decides | new_row, number, 0))
    island_down = decides[latest] & (what[first][latest] == int(State.BAD))
    down[telling] = island_down[np.cumsum(begins) - 1]
    return down


def _changes(row: Int64, state: Int64) -> Bool:
    changes = np.ones(len(row), np.bool_)
    changes[1:] = (row[1:] != row[:-1]) | (state[1:] != state[:-1])
    return changes


def outcomes(terms: AvailabilityTerms, judged: Judged, rest: Int64) -> Int64:
    """Return the verdict of each circuit as an index of OUTCOMES; `rest`: seconds still to come.

    As `sla.judge.judge_availability`, for circuits under one contract and with nothing excluded.
    """
    nominal = judged.nominal
    worst, best = (_outcome(terms, one, rest) for one in (judged.unknown_bad, judged.unknown_good))
    differ = (worst == _BREACHED) != (best == _BREACHED)
    measured = nominal.up + nominal.down
    total = measured + nominal.unmeasured
    least = terms.coverage_percent_min / 100
    covered = measured * least.denominator >= least.numerator * total
    undecided = differ & ((measured == 0) | ~covered)
    found = _outcome(terms, nominal, rest)
    overruled = ~differ & ((worst == _BREACHED) != (found == _BREACHED))
    found = np.where(overruled, worst, found)
    nothing = (measured == 0) & (rest == 0)
    return np.where(undecided | nothing, _NOT_ASSESSABLE, found)


def _outcome(terms: AvailabilityTerms, one: Tallies, rest: Int64) -> Int64:
    counted = one.up + one.down + rest
    if terms.denominator == "whole_period":
        counted = counted + one.unmeasured
    allowed: Fraction = 1 - terms.target_percent / 100
    breached = one.down * allowed.denominator > allowed.numerator * counted
    share = allowed * AT_RISK_SHARE
    at_risk = (rest > 0) & (one.down * share.denominator > share.numerator * counted)
    return np.where(breached, _BREACHED, np.where(at_risk, _AT_RISK, _MET))
