"""A month of many circuits at once, in columns: buckets and the verdict on availability.

The rules of `sla.boundaries` and `sla.judge` over arrays, without a row a run: 5 million spans in
seconds. For circuits without windows, attributions or segments;
words, credits and the other objectives are for the full judgement. Pure.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from processors.observations import Bool, Int64
from sla.answers import Outcome
from sla.boundaries import Moments, Ranges, State, Stretches, UnknownAs, moments_of, state_runs
from sla.contracts import AvailabilityTerms
from sla.judge import AT_RISK_SHARE

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


def judged(asked: Asked, active: Stretches, known: Stretches, bad: Bool) -> Judged:
    """Return the seconds of all circuits; `known` is where a channel is good, or `bad`.

    `active` is where channels are active; `known` lies within it, and does not overlap itself
    within a channel.
    """
    moments = moments_of(Ranges(asked.from_s, asked.to_s), active, known, bad)
    return Judged(*(_tallied(asked, moments, unknown) for unknown in
                    (UnknownAs.UNKNOWN, UnknownAs.BAD, UnknownAs.GOOD)))  # fmt: skip


def _tallied(asked: Asked, moments: Moments, unknown: UnknownAs) -> Tallies:
    unknown_as = np.full(len(asked), int(unknown))
    up_at_first = np.zeros(len(asked), np.bool_)
    runs = state_runs(moments, asked.needed, asked.decisive_seconds, unknown_as, up_at_first)
    row, down = runs.row, runs.down
    ends = np.minimum(runs.end_s, asked.month_to_s[row])
    seconds = np.maximum(ends - np.maximum(runs.start_s, asked.month_from_s[row]), 0)
    unmeasured = runs.state == int(State.UNKNOWN)

    def total(which: Bool) -> Int64:
        return np.bincount(row[which], seconds[which], len(asked)).astype(np.int64)

    return Tallies(
        total(~down & ~unmeasured),
        total(down & ~unmeasured),
        total(unmeasured),
        total(~down & (runs.state == int(State.BAD))),
    )


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
