"""How an open month may end: every past stretch as long as its rest is tried in its place.

A plain method that anyone can repeat. Take the rest of the month, 12 days say. Look at each 12 days
of the circuit's past that end now, a day ago, two days ago and so on. Add the down seconds of each
to those of the month so far: the month would end met or breached. Nothing is fitted or assumed but
that the rest is like some stretch of the past; the range is what really happened. Pure.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Final

import numpy as np

from processors.observations import Int64
from sla.answers import Bucket
from sla.budget_answers import Forecast, Range
from sla.judged import JudgedRun
from sla.periods import Period
from sla.segments import JudgedSegment

DAY: Final = 86_400
LOOK_BACK_DAYS: Final = 400
STRETCHES_MIN: Final = 8  # a week of starting days: fewer say nothing about a range


def forecast(open_segment: JudgedSegment, left_seconds: int, overspent_seconds: int) -> Forecast:
    """Return how the open segment of a month may end.

    `left_seconds` more may be down; where the month is breached already, no stretch is met.
    """
    period, seconds = open_segment.period, open_segment.tally.contractual
    terms = open_segment.contract.availability
    counted = seconds.up + seconds.down
    if terms.denominator == "whole_period":
        counted = seconds.total
    begins = max(period.own.start_s, period.history.start_s, period.end_s - LOOK_BACK_DAYS * DAY)
    margin = -1 if overspent_seconds else left_seconds
    return Forecast(
        period.rest,
        period.end_s - begins,
        counted + period.rest,
        seconds.down,
        cache(partial(_look_back, period, begins, margin, terms.coverage_percent_min)),
    )


def _look_back(
    period: Period, begins: int, margin: int, coverage_percent_min: Fraction
) -> Range | None:
    lost = past_stretches(
        period.history.runs,
        begins,
        period.end_s,
        period.rest,
        coverage_percent_min=coverage_percent_min,
    )
    return spread(lost, margin) if len(lost) >= STRETCHES_MIN else None


def past_stretches(
    runs: Sequence[JudgedRun],
    start_s: int,
    end_s: int,
    length: int,
    *,
    coverage_percent_min: Fraction,
) -> tuple[int, ...]:
    """Return the down seconds of each stretch that ends whole days before `end_s`, newest first.

    Stretches lie within [start_s, end_s); one of which too little was measured is left out.
    """
    edges, down, dark = _sums(runs, start_s, end_s)
    known_min = math.ceil(coverage_percent_min * length / 100)
    upper = np.arange(end_s, start_s + length - 1, -DAY)
    lower = upper - length
    unknown = _until(edges, dark, upper) - _until(edges, dark, lower)
    lost = _until(edges, down, upper) - _until(edges, down, lower)
    return tuple(lost[length - unknown >= known_min].tolist())


def spread(lost: Sequence[int], left_seconds: int) -> Range:
    """Return how the down seconds of some stretches lie, and in how many no more is lost."""
    ordered = sorted(lost)
    return Range(
        ordered[0],
        ordered[(len(ordered) + 1) // 2 - 1],
        ordered[-1],
        len(ordered),
        bisect_right(ordered, left_seconds),
    )


_Sums = list[tuple[int, int]]  # seconds before the edge, and whether the stretch after it counts


def _sums(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> tuple[list[int], _Sums, _Sums]:
    """Return edges of what was not up, with the seconds down and not measured before each."""
    edges, down, dark = [start_s], [(0, 0)], [(0, 0)]
    lost = unknown = 0
    for run in runs:
        if run.bucket in (Bucket.UP, Bucket.EXCLUDED):
            continue
        lower, upper = max(run.start_s, start_s), min(run.end_s, end_s)
        if lower >= upper:
            continue
        is_down = run.bucket is Bucket.DOWN
        edges += (lower, upper)
        down.append((lost, int(is_down)))
        dark.append((unknown, int(not is_down)))
        lost += (upper - lower) * is_down
        unknown += (upper - lower) * (not is_down)
        down.append((lost, 0))
        dark.append((unknown, 0))
    return edges, down, dark


def _until(edges: Sequence[int], sums: _Sums, second: Int64) -> Int64:
    """Return the seconds before each instant."""
    at = np.searchsorted(edges, second, "right") - 1
    before, counts = np.array(sums, np.int64).T
    found: Int64 = before[at] + (second - np.array(edges, np.int64)[at]) * counts[at]
    return found
