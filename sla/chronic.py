"""Outages counted: how many, how long to restore, repeated, chronic (DESIGN 7.7). Pure.

An outage belongs to the month of its onset. Its length is its down seconds under the contract:
excluded and unmeasured seconds inside are no part of it, and one without a down second is none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from sla.answers import Bucket, ObjectiveAnswer, Outcome
from sla.history import History
from sla.judge import AT_RISK_SHARE
from sla.judged import JudgedRun
from sla.outage_figures import ChronicStanding, OutageFigures, Repeat
from sla.outage_terms import CHRONIC, COUNT, LONGEST, RESTORE, ChronicTerms, OutageTerms
from sla.outages import outage_id
from sla.periods import Period
from sla.words import decimal_up, duration

DAY: Final = 86_400
_NO_TERMS: Final = OutageTerms()


@dataclass(frozen=True, slots=True)
class Spell:
    """An outage from onset to the end of its last down second, as far as anything is known."""

    onset_s: int
    end_s: int
    down_seconds: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What is judged: the spells of an ownership, and the part of a month they began in."""

    spells: Sequence[Spell]
    start_s: int
    end_s: int
    is_open: bool

    @property
    def began(self) -> tuple[Spell, ...]:
        """Spells whose onset lies in it."""
        return tuple(one for one in self.spells if self.start_s <= one.onset_s < self.end_s)


def spells_of(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> tuple[Spell, ...]:
    """Return the outages with an onset in [start_s, end_s) and a down second, oldest first.

    What began before `start_s`, under a former owner, is not this owner's.
    """
    found: list[Spell] = []
    onset: int | None = None
    last = down = 0
    for run in runs:
        if run.start_s >= end_s:
            break
        if run.as_experienced is Bucket.DOWN:
            onset = run.start_s if onset is None else onset
            last = min(run.end_s, end_s)
            if run.bucket is Bucket.DOWN:
                down += last - run.start_s
        elif run.as_experienced is Bucket.UP and onset is not None:
            _keep(found, onset, last, down, start_s)
            onset, down = None, 0
    if onset is not None:
        _keep(found, onset, last, down, start_s)
    return tuple(found)


def _keep(found: list[Spell], onset: int, last: int, down: int, start_s: int) -> None:
    if down and onset >= start_s:
        found.append(Spell(onset, last, down))


def counted_objectives(periods: Sequence[Period]) -> tuple[tuple[ObjectiveAnswer, ...], ...]:
    """Return, for each segment of a month, the verdicts of its terms on outages.

    A segment is held to what its month had so far: a count a month cannot be shared out.
    """
    first, newest = periods[0], periods[-1].history
    return tuple(
        outage_objectives(terms, _counted(first, period, newest))
        if (terms := period.history.in_force.contract.outages) != _NO_TERMS
        else ()
        for period in periods
    )


def month_figures(periods: Sequence[Period]) -> OutageFigures:
    """Return what a month's outages come to, under the terms of its last segment."""
    last = periods[-1]
    terms = last.history.in_force.contract.outages
    return figures(terms, _counted(periods[0], last, last.history), last.history.circuit.id)


def _counted(first: Period, last: Period, known: History) -> Counted:
    own = first.own
    spells = spells_of(known.runs, own.start_s, own.end_s)
    return Counted(spells, first.start_s, last.end_s, last.rest > 0)


def figures(terms: OutageTerms, counted: Counted, circuit_id: str) -> OutageFigures:
    """Return what a month's outages come to."""
    began = counted.began
    return OutageFigures(
        len(began),
        restore_mean(began),
        max((one.down_seconds for one in began), default=0),
        repeats(terms, counted, circuit_id),
        terms.repeat_within_days,
        None if terms.chronic is None else chronic_standing(terms.chronic, counted),
    )


def restore_mean(began: Sequence[Spell]) -> Fraction | None:
    """Return the mean time to restore of outages that start in the period (MEF 61.1), in s."""
    if not began:
        return None
    return Fraction(sum(one.down_seconds for one in began), len(began))


def repeats(terms: OutageTerms, counted: Counted, circuit_id: str) -> tuple[Repeat, ...]:
    """Return the outages of the period that began within so many days of another's end."""
    return tuple(
        Repeat(
            outage_id(circuit_id, later.onset_s),
            outage_id(circuit_id, earlier.onset_s),
            later.onset_s - earlier.end_s,
        )
        for earlier, later in pairwise(counted.spells)
        if counted.start_s <= later.onset_s < counted.end_s
        and later.onset_s - earlier.end_s < terms.repeat_within_days * DAY
    )


def chronic_standing(terms: ChronicTerms, counted: Counted) -> ChronicStanding:
    """Return how many long enough outages lie in any so many days, [t, t + days)."""
    onsets = [
        one.onset_s
        for one in counted.spells
        if one.down_seconds >= terms.lasting_seconds and one.onset_s < counted.end_s
    ]
    length = terms.within_days * DAY
    most = max(
        (
            number + 1 - bisect_right(onsets, onset - length)
            for number, onset in enumerate(onsets)
            if onset >= counted.start_s
        ),
        default=0,
    )
    now = len(onsets) - bisect_left(onsets, counted.end_s - length)
    return ChronicStanding(now, most, terms.outages, terms.lasting_seconds, terms.within_days)


def outage_objectives(terms: OutageTerms, counted: Counted) -> tuple[ObjectiveAnswer, ...]:
    """Return the verdicts of what the contract promises about outages.

    Counts and lengths only grow: an open month that breaks them is breached. A mean may still fall.
    """
    began = counted.began
    found = []
    if terms.count_max is not None:
        found.append(_growing(COUNT, terms.count_max, len(began), "", counted.is_open))
    if terms.longest_seconds_max is not None:
        longest = max((one.down_seconds for one in began), default=0)
        found.append(_growing(LONGEST, terms.longest_seconds_max, longest, "s", counted.is_open))
    if terms.restore_mean_seconds_max is not None:
        found.append(_restoring(terms.restore_mean_seconds_max, began, counted.is_open))
    if terms.chronic is not None:
        found.append(_chronic(chronic_standing(terms.chronic, counted), counted.is_open))
    return tuple(found)


def _growing(name: str, limit: int, actual: int, unit: str, is_open: bool) -> ObjectiveAnswer:
    outcome = Outcome.MET
    if actual > limit:
        outcome = Outcome.BREACHED
    elif is_open and actual > AT_RISK_SHARE * limit:
        outcome = Outcome.AT_RISK
    if unit == "s":
        said = f"The longest outage was down {duration(actual)}" if actual else "No outage began"
        said += f", {duration(limit)} allowed."
    else:
        said = f"{actual} began in the month, {limit} allowed."
    return ObjectiveAnswer(name, str(limit), str(actual), unit, outcome, said)


def _restoring(limit: int, began: Sequence[Spell], is_open: bool) -> ObjectiveAnswer:
    mean = restore_mean(began)
    if mean is None:
        said = f"No outage began, a mean of {duration(limit)} allowed."
        return ObjectiveAnswer(RESTORE, str(limit), "0", "s", Outcome.MET, said, 0)
    met = mean <= limit
    outcome = Outcome.MET if met else Outcome.AT_RISK if is_open else Outcome.BREACHED
    actual = decimal_up(mean, 1)
    total = sum(one.down_seconds for one in began)
    said = (
        f"{total:,} s over {counted_words(len(began))} that began in the month = {actual} s"
        f"{' so far' if is_open else ''}, which {'is within' if met else 'exceeds'} {limit:,} s."
    )
    return ObjectiveAnswer(RESTORE, str(limit), actual, "s", outcome, said, len(began), None, mean)


def counted_words(count: int) -> str:
    """Return `1 outage`, `3 outages`."""
    return f"{count} outage{'' if count == 1 else 's'}"


def _chronic(standing: ChronicStanding, is_open: bool) -> ObjectiveAnswer:
    outcome = Outcome.MET
    if standing.chronic:
        outcome = Outcome.BREACHED
    elif is_open and standing.now == standing.needed - 1:
        outcome = Outcome.AT_RISK  # one more makes it chronic
    said = (
        f"{counted_words(standing.most)} of {duration(standing.lasting_seconds)} or more within "
        f"{standing.within_days} days, the last of them in this month; {standing.needed} make the "
        "circuit chronic."
    )
    return ObjectiveAnswer(CHRONIC, str(standing.needed - 1), str(standing.most), "", outcome, said)
