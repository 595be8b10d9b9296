"""DESIGN 9's answer about a circuit and month, put together from a history. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sla.answers import ExclusionAnswer, MonthAnswer, ObjectiveAnswer, Outage, Outcome, Segment
from sla.calendar import month_bounds, month_name, months_between
from sla.credits import percent
from sla.history import CircuitHistory, History, JudgedRun
from sla.judge import AvailabilityVerdict, judge_availability, judge_credit, tally, worst_of
from sla.outages import outages_in
from sla.words import duration, percent_down, plain


@dataclass(frozen=True, slots=True)
class Ownership:
    """[start_s, end_s) in which a circuit is one customer's, as far as a reader may see."""

    customer_id: str
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Period:
    """The part of a month that is judged: so far [start_s, end_s), in the end up to full_end_s."""

    month: str
    history: History
    customer_id: str
    start_s: int
    end_s: int
    full_end_s: int
    complete_up_to_s: int  # no later than the reader may see
    own: Ownership
    month_end_s: int  # where it ends for everybody: what `final` waits for

    @property
    def rest(self) -> int:
        """Seconds still to come."""
        return self.full_end_s - self.end_s


@dataclass(frozen=True, slots=True)
class Version:
    """Which calculation and which report of a month is the latest."""

    calculation: int
    report: int | None = None


def months_of(history: CircuitHistory, owned: Sequence[Ownership]) -> tuple[str, ...]:
    """Return the months that have a complete second within the ownerships, oldest first."""
    found: set[str] = set()
    for part in history.complete:
        contract = part.in_force.contract
        for own in owned:
            lower, upper = max(part.start_s, part.in_force.start_s, own.start_s), part.end_s
            upper = min(upper, own.end_s)
            found.update(months_between(lower, upper, contract.timezone, contract.anniversary_day))
    return tuple(sorted(found))


def period_of(history: CircuitHistory, owned: Sequence[Ownership], month: str) -> Period | None:
    """Return the judged part of a month, or None: nothing of it is complete yet.

    Where a circuit changed hands within what the reader may see, the latest owner's part.
    """
    for part in reversed(history.complete):
        contract = part.in_force.contract
        starts, ends = month_bounds(month, contract.timezone, contract.anniversary_day)
        starts = max(starts, part.start_s, part.in_force.start_s)
        ends = min(ends, part.in_force.end_s)
        for own in reversed(owned):
            lower, upper = max(starts, own.start_s), min(ends, own.end_s)
            so_far = min(upper, part.end_s)
            if lower < so_far:
                owner = history.circuit.owner_at(so_far - 1) or own.customer_id
                complete = min(history.complete_up_to_s, own.end_s)
                return Period(month, part, owner, lower, so_far, upper, complete, own, ends)
    return None


def month_answer(
    history: CircuitHistory,
    period: Period,
    objectives: Sequence[ObjectiveAnswer],
    version: Version,
    close_after_seconds: int,
) -> MonthAnswer:
    """Return the whole answer; `objectives` are those other than availability."""
    part = period.history
    contract = part.in_force.contract
    start_s, end_s = period.start_s, period.end_s
    nominal = tally(part.runs, start_s, end_s)
    verdict = judge_availability(
        contract.availability,
        nominal,
        tally(part.unknown_bad, start_s, end_s).contractual,
        tally(part.unknown_good, start_s, end_s).contractual,
        period.rest,
    )
    credit, credit_reason = judge_credit(contract, verdict, nominal.contractual, period.rest)
    all_objectives = (_availability_objective(part, verdict), *objectives)
    settling = contract.availability.consecutive * history.circuit.grid_seconds
    low, high = verdict.bounds
    allowed = verdict.allowed_seconds
    down = nominal.contractual.down
    return MonthAnswer(
        circuit_id=history.circuit.id,
        customer_id=period.customer_id,
        month=period.month,
        timezone=contract.timezone,
        start_s=start_s,
        end_s=end_s,
        month_end_s=period.full_end_s,
        complete_up_to_s=period.complete_up_to_s,
        final=history.complete_up_to_s >= period.month_end_s + settling + close_after_seconds,
        calculation_version=version.calculation,
        report_version=version.report,
        segments=(Segment(contract.id, contract.version, start_s, end_s),),
        seconds=nominal.contractual,
        as_experienced=nominal.as_experienced,
        bad_but_not_down_seconds=nominal.bad_but_not_down,
        coverage=None if verdict.coverage is None else percent_down(verdict.coverage),
        availability_contractual=_text(verdict.contractual),
        availability_as_experienced=_text(verdict.as_experienced),
        availability_formula=verdict.formula,
        availability_working=verdict.working,
        availability_bounds=(_text(low), _text(high)),
        objectives=all_objectives,
        credit_percent=percent(credit),
        credit_reason=credit_reason,
        budget_allowed_seconds=allowed,
        budget_left_seconds=max(0, allowed - down),
        outages=outages_seen(history.circuit.id, part.runs, start_s, end_s, period.own),
        exclusions=exclusions_in(part, start_s, end_s),
        verdict=worst_of(all_objectives),
        sentence=_sentence(period.month, all_objectives, down, allowed),
    )


def outages_seen(
    circuit_id: str, runs: Sequence[JudgedRun], start_s: int, end_s: int, own: Ownership
) -> tuple[Outage, ...]:
    """Return the outages of a range with nothing told of time outside an ownership.

    One that began before shows the start of the ownership, one that ended after shows no end.
    """
    return tuple(
        replace(
            outage,
            start_s=max(outage.start_s, own.start_s),
            end_s=None if outage.end_s is None or outage.end_s > own.end_s else outage.end_s,
        )
        for outage in outages_in(circuit_id, runs, start_s, end_s)
    )


def _text(ratio: Fraction | None) -> str | None:
    return None if ratio is None else percent_down(ratio)


def _availability_objective(part: History, verdict: AvailabilityVerdict) -> ObjectiveAnswer:
    return ObjectiveAnswer(
        name="availability",
        target=plain(part.in_force.contract.availability.target_percent),
        actual=_text(verdict.contractual),
        unit="%",
        verdict=verdict.outcome,
        reason=verdict.reason,
    )


def _sentence(month: str, objectives: Sequence[ObjectiveAnswer], down: int, allowed: int) -> str:
    """Return one line for people, such as `October: met. 0 s down, 4 min 27 s allowed.`."""
    worst = worst_of(objectives)
    name = month_name(month).split()[0]
    said = worst.value.replace("_", " ")
    used = f"{duration(down)} down, {duration(allowed)} allowed."
    others = [o.name for o in objectives[1:] if o.verdict is worst]
    if worst is Outcome.MET or objectives[0].verdict is worst or not others:
        return f"{name}: {said}. {used}"
    return f"{name}: {said} ({', '.join(others)}). {used}"


def exclusions_in(part: History, start_s: int, end_s: int) -> tuple[ExclusionAnswer, ...]:
    """Return the maintenance records that touch [start_s, end_s), refused ones too."""
    found = []
    for decision in part.decisions:
        window = decision.window
        if max(window.start, start_s) >= min(window.end, end_s):
            continue
        seconds = sum(
            max(0, min(piece.end_s, end_s) - max(piece.start_s, start_s))
            for piece in part.excluded
            if piece.window_id == window.id
        )
        reason = f"{'Accepted' if decision.accepted else 'Refused'}: {decision.reason}."
        covered = min(window.end, end_s) - max(window.start, start_s)
        if decision.accepted and seconds < covered:
            why = (
                "the circuit was up, would not have been up either, or another window or the "
                "monthly cap had it"
                if window.channel is not None
                else "another window has the rest, or the monthly cap is used up"
            )
            reason += f" {duration(seconds)} of {duration(covered)} taken out: {why}."
        found.append(
            ExclusionAnswer(
                window.id, window.start, window.end, window.scope, decision.accepted, seconds,
                reason,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.start_s, one.exclusion_id)))
