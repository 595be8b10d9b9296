"""From runs in buckets to numbers and verdicts, exactly (DESIGN 7.5, 7.6, 7.8, 7.10). Pure.

Integers and Fractions only; nothing is ever decided on a printed value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from sla.answers import Bucket, ObjectiveAnswer, Outcome, Seconds
from sla.bands import percent
from sla.contracts import AvailabilityTerms, Contract
from sla.credits import Credit, Delivered, earned
from sla.judged import JudgedRun, since
from sla.schedules import PercentBands, Schedule
from sla.words import duration, percent_down, plain

AT_RISK_SHARE: Final = Fraction(3, 4)  # of the allowed downtime, used while the month is open
_RISK, _RISK_OF = AT_RISK_SHARE.as_integer_ratio()

_ALL: Final = Fraction(1)
_BUCKETS: Final = tuple(Bucket)  # walking through an enum takes 1 µs
_GRAVITY: Final = (Outcome.MET, Outcome.AT_RISK, Outcome.NOT_ASSESSABLE, Outcome.BREACHED)


@dataclass(frozen=True, slots=True)
class Tally:
    """Seconds of a period by bucket, both ways, and bad seconds that never became down."""

    contractual: Seconds
    as_experienced: Seconds
    bad_but_not_down: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A period so far under one assumption, and how many seconds of it are still to come."""

    seconds: Seconds
    rest: int

    def allowed(self, terms: AvailabilityTerms) -> Fraction:
        """Return how many seconds may be down in the whole period, at the target.

        All of the period counts, less what the formula leaves out; the rest as if measured.
        """
        return Fraction(*self.allowance(terms))

    def allowance(self, terms: AvailabilityTerms) -> tuple[int, int]:
        """Return the same as numerator and denominator: exact too, and at a tenth of the cost."""
        target, of = terms.target_percent.as_integer_ratio()
        seconds = self.seconds
        counted = seconds.up + seconds.down
        if terms.denominator == "whole_period":
            counted = seconds.total
        return (counted + self.rest) * (100 * of - target), 100 * of

    def outcome(self, terms: AvailabilityTerms) -> Outcome:
        """Return breached when even a perfect rest misses the target."""
        allowed, of = self.allowance(terms)
        down = self.seconds.down * of
        if down > allowed:
            return Outcome.BREACHED
        if self.rest and down * _RISK_OF > _RISK * allowed:
            return Outcome.AT_RISK
        return Outcome.MET

    def worse_after(self, terms: AvailabilityTerms) -> int | None:
        """Return after how many seconds of the rest, all of them down, the outcome is another.

        None: it stays breached. The allowance stays: what is still to come counts in it already.
        """
        allowed, of = self.allowance(terms)
        match self.outcome(terms):
            case Outcome.BREACHED:
                return None
            case Outcome.AT_RISK:
                line = allowed // of
            case _:
                line = _RISK * allowed // (_RISK_OF * of)
        return line - self.seconds.down + 1

    def assessable_after(self, terms: AvailabilityTerms) -> int | None:
        """Return after how many seconds of the rest, all of them measured, enough of it is.

        None: never. One at least: nobody asks this of a period that is assessable already.
        """
        least, of = terms.coverage_percent_min.as_integer_ratio()
        seconds, gained = self.seconds, 100 * of - least
        countable = seconds.total - seconds.excluded
        missing = least * countable - 100 * of * (seconds.up + seconds.down)
        return max(-(-missing // gained), 1) if gained else None


@dataclass(frozen=True, slots=True)
class AvailabilityVerdict:
    """Availability of a period, judged; texts as they are printed."""

    contractual: Fraction | None
    as_experienced: Fraction | None
    bounds: tuple[Fraction | None, Fraction | None]  # every unknown bad, every unknown good
    coverage: Fraction | None
    allowed_seconds: int
    outcome: Outcome
    reason: str
    formula: str
    working: str


def tally(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> Tally:
    """Return the seconds of [start_s, end_s) by bucket; what no run covers is unmeasured."""
    contractual = dict.fromkeys(_BUCKETS, 0)
    experienced = contractual.copy()
    bad = 0
    for run in since(runs, start_s):
        if run.start_s >= end_s:
            break
        seconds = max(0, min(run.end_s, end_s) - max(run.start_s, start_s))
        contractual[run.bucket] += seconds
        experienced[run.as_experienced] += seconds
        if run.bad and run.bucket is Bucket.UP:
            bad += seconds
    whole = end_s - start_s
    counted = _seconds(contractual, whole)
    if experienced == contractual:
        return Tally(counted, counted, bad)
    return Tally(counted, _seconds(experienced, whole), bad)


def contractual_seconds(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> Seconds:
    """Return what `tally` says of the contractual buckets alone."""
    counts = dict.fromkeys(_BUCKETS, 0)
    for run in since(runs, start_s):
        if run.start_s >= end_s:
            break
        counts[run.bucket] += max(0, min(run.end_s, end_s) - max(run.start_s, start_s))
    return _seconds(counts, end_s - start_s)


def _seconds(counts: dict[Bucket, int], whole: int) -> Seconds:
    up, down, excluded = counts[Bucket.UP], counts[Bucket.DOWN], counts[Bucket.EXCLUDED]
    return Seconds(up, down, excluded, whole - up - down - excluded)


def availability(terms: AvailabilityTerms, seconds: Seconds) -> Fraction | None:
    """Return up/(up + down), or (period − down)/period; None when nothing was measured."""
    measured = seconds.up + seconds.down
    if not measured:
        return None
    if terms.denominator == "whole_period":
        return _share(seconds.total - seconds.down, seconds.total)
    return _share(seconds.up, measured)


def coverage(seconds: Seconds) -> Fraction | None:
    """Return (up + down)/(period − excluded); None when all of it is excluded, or it is empty."""
    countable = seconds.total - seconds.excluded
    return _share(seconds.up + seconds.down, countable) if countable else None


def _share(part: int, whole: int) -> Fraction:
    return _ALL if part == whole else Fraction(part, whole)


def judge_availability(
    terms: AvailabilityTerms,
    nominal: Tally,
    unknown_bad: Seconds,
    unknown_good: Seconds,
    rest: int,
) -> AvailabilityVerdict:
    """Return the verdict on availability; `rest` is what is still to come of an open month."""
    seconds = nominal.contractual
    ratio, covered = availability(terms, seconds), coverage(seconds)
    scenario = Scenario(seconds, rest)
    worst, best = Scenario(unknown_bad, rest), Scenario(unknown_good, rest)
    bounds = (availability(terms, unknown_bad), availability(terms, unknown_good))
    outcome, reason = _decide(terms, scenario, worst, best, ratio, covered)
    formula, working = explained(terms, seconds, ratio)
    return AvailabilityVerdict(
        ratio,
        availability(terms, nominal.as_experienced),
        bounds,
        covered,
        _allowed_seconds(scenario, terms),
        outcome,
        reason,
        formula,
        working,
    )


def _allowed_seconds(scenario: Scenario, terms: AvailabilityTerms) -> int:
    allowed, of = scenario.allowance(terms)
    return allowed // of


def _decide(
    terms: AvailabilityTerms,
    nominal: Scenario,
    worst: Scenario,
    best: Scenario,
    ratio: Fraction | None,
    covered: Fraction | None,
) -> tuple[Outcome, str]:
    target = plain(terms.target_percent)
    if worst.seconds.total == worst.seconds.excluded and not nominal.rest:
        return Outcome.NOT_ASSESSABLE, "All of the period is excluded: there is nothing to judge."
    at_worst, at_best = worst.outcome(terms), best.outcome(terms)
    differ = (at_worst is Outcome.BREACHED) != (at_best is Outcome.BREACHED)
    if differ and (ratio is None or covered is None or covered * 100 < terms.coverage_percent_min):
        measured = percent_down(covered if covered is not None else Fraction(0))
        share = plain(terms.coverage_percent_min)
        return Outcome.NOT_ASSESSABLE, (
            f"Only {measured} % of the period was measured, less than {share} %, and the "
            f"{duration(nominal.seconds.unmeasured)} unmeasured decide: breached if they were bad "
            f"({duration(worst.seconds.down)} down), {at_best} if they were good."
        )
    if ratio is None and not nominal.rest:
        return Outcome.NOT_ASSESSABLE, "Nothing was measured."
    # where both bounds agree they are the verdict, whatever the measured part alone would say
    outcome = nominal.outcome(terms)
    if not differ and (at_worst is Outcome.BREACHED) != (outcome is Outcome.BREACHED):
        outcome = at_worst
    down = nominal.seconds.down
    allowed = _allowed_seconds(nominal, terms)
    used = f"{duration(down)} down, {duration(allowed)} allowed"
    shown = f"{percent_down(ratio)} %" if ratio is not None else "not measured yet"
    match outcome:
        case Outcome.BREACHED if nominal.rest:
            text = f"{used}: even a perfect rest of the month misses {target} %."
        case Outcome.BREACHED:
            text = f"{shown} is below {target} %: {used}."
        case Outcome.AT_RISK:
            text = f"{used}: more than 75 % of it is used, {duration(allowed - down)} are left."
        case _ if nominal.rest:
            text = f"{shown} so far, {target} % asked for: {used}."
        case _:
            text = f"{shown} reaches {target} %: {used}."
    if differ:
        text += f" The unmeasured {duration(nominal.seconds.unmeasured)} could change this."
    return outcome, text


def explained(
    terms: AvailabilityTerms, seconds: Seconds, ratio: Fraction | None
) -> tuple[str, str]:
    """Return the formula and the same with the numbers put in."""
    if terms.denominator == "whole_period":
        formula = "(period - down) / period"
        numbers = f"({seconds.total:,} - {seconds.down:,}) / {seconds.total:,}"
    else:
        formula = "up / (up + down)"
        numbers = f"{seconds.up:,} / ({seconds.up:,} + {seconds.down:,})"
    if ratio is None:
        return formula, f"{numbers}: nothing was measured"
    exact = 10_000_000 % ratio.denominator == 0  # five places of a percentage
    return formula, f"{numbers} = {percent_down(ratio)} %, {'exactly' if exact else 'rounded down'}"


def judge_credit(
    contract: Contract, verdict: AvailabilityVerdict, delivered: Delivered
) -> tuple[Fraction, str]:
    """Return the credit in percent of the charge, exact, and the reason in words.

    The sum of the contract's schedules, up to its cap (DESIGN 7.8). Percent bands give only where
    availability is breached; in an open month on the best it can still reach, so that the credit
    so far never falls.
    """
    if not contract.credit:
        return Fraction(0), "The contract has no credit schedule."
    found = [_credit(schedule, verdict, delivered) for schedule in contract.credit]
    total, cap = sum((one.percent for one in found), Fraction(0)), contract.payout.cap_percent
    giving = [one for one in found if one.percent] or found
    reason = " ".join(one.reason for one in giving)
    if total > cap:
        return cap, f"{reason} Capped at {percent(cap)} % of the charge."
    return total, reason


def _credit(schedule: Schedule, verdict: AvailabilityVerdict, delivered: Delivered) -> Credit:
    if isinstance(schedule, PercentBands):
        if verdict.outcome is Outcome.NOT_ASSESSABLE:
            return Credit(Fraction(0), "No credit while availability is not assessable.")
        if verdict.outcome is not Outcome.BREACHED:
            return Credit(Fraction(0), "No credit: availability is not breached.")
    return earned(schedule, delivered)


def worst_of(objectives: Sequence[ObjectiveAnswer]) -> Outcome:
    """Return the gravest verdict: breached, then not assessable, at risk, met."""
    return max([o.verdict for o in objectives], key=_GRAVITY.index, default=Outcome.NOT_ASSESSABLE)
