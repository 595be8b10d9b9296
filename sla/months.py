"""DESIGN 9's answer about a circuit and month, put together from a history. Pure."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from sla.answers import ExclusionAnswer, MonthAnswer, ObjectiveAnswer, Outage, Outcome
from sla.attributions import Reclassification
from sla.bands import percent
from sla.budgets import month_budget
from sla.calendar import month_bounds, month_name, months_between
from sla.chronic import month_figures
from sla.clauses import credit_terms
from sla.credit_steps import money_working
from sla.history import CircuitHistory, History
from sla.judge import worst_of
from sla.judged import JudgedRun
from sla.maintenance import STILL_S
from sla.outages import excluded_by_people, open_proposals, outages_in
from sla.periods import Ownership, Period, Version
from sla.segments import judge_segments, month_credit, segment_answers
from sla.words import duration, percent_down


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


def periods_of(
    history: CircuitHistory, owned: Sequence[Ownership], month: str
) -> tuple[Period, ...]:
    """Return the judged segments of a month, in order; none: nothing of it is complete yet.

    Cut where the contract's version, the bandwidth or the price changes (DESIGN 7.9). Where a
    circuit changed hands within what the reader may see, the latest owner's part.
    """
    for own in reversed(owned):
        found = [p for part in history.complete for p in _segments(history, part, own, month)]
        if found:
            return tuple(sorted(found, key=lambda period: period.start_s))
    return ()


def _segments(
    history: CircuitHistory, part: History, own: Ownership, month: str
) -> Iterator[Period]:
    """Yield what one contract version rules of a month, cut at price and bandwidth changes."""
    contract, circuit = part.in_force.contract, history.circuit
    starts, month_end = month_bounds(month, contract.timezone, contract.anniversary_day)
    if circuit.active_to is not None:
        month_end = min(month_end, circuit.active_to)
    lower = max(starts, part.start_s, part.in_force.start_s, own.start_s)
    upper = min(month_end, part.in_force.end_s, own.end_s)
    cuts: list[int] = []
    if circuit.bandwidths or circuit.prices:
        changes = {one.start for one in circuit.bandwidths} | {one.start for one in circuit.prices}
        cuts = sorted(at for at in changes if at is not None and lower < at < upper)
    complete = min(history.complete_up_to_s, own.end_s)
    for first, last in itertools.pairwise([lower, *cuts, upper]):
        so_far = min(last, part.end_s)
        if first < so_far:
            owner = circuit.owner_at(so_far - 1) or own.customer_id
            yield Period(month, part, owner, first, so_far, last, complete, own, month_end)


def month_answer(
    history: CircuitHistory,
    periods: Sequence[Period],
    objectives: Sequence[Sequence[ObjectiveAnswer]],
    version: Version,
    close_after_seconds: int,
) -> MonthAnswer:
    """Return the whole answer; `objectives` are those other than availability, by segment."""
    last = periods[-1]
    part, contract = last.history, last.history.in_force.contract
    start_s, end_s = periods[0].start_s, last.end_s
    whole_end_s = min(last.month_end_s, last.own.end_s)
    judged = judge_segments(history, periods, objectives)
    nominal, verdict = judged.tally, judged.verdict
    credit, budget = month_credit(judged, whole_end_s - start_s), month_budget(judged)
    low, high = verdict.bounds
    proposals = open_proposals(part, start_s, last.month_end_s)
    down = nominal.contractual.down
    return MonthAnswer(
        circuit_id=history.circuit.id,
        customer_id=last.customer_id,
        month=last.month,
        timezone=contract.timezone,
        start_s=start_s,
        end_s=end_s,
        month_end_s=whole_end_s,
        complete_up_to_s=last.complete_up_to_s,
        final=is_final(history, last, proposals, close_after_seconds),
        calculation_version=version.calculation,
        report_version=version.report,
        segments=segment_answers(judged, whole_end_s - start_s),
        seconds=nominal.contractual,
        as_experienced=nominal.as_experienced,
        bad_but_not_down_seconds=nominal.bad_but_not_down,
        coverage=None if verdict.coverage is None else percent_down(verdict.coverage),
        availability_contractual=_text(verdict.contractual),
        availability_as_experienced=_text(verdict.as_experienced),
        availability_formula=verdict.formula,
        availability_working=verdict.working,
        availability_bounds=(_text(low), _text(high)),
        objectives=judged.objectives,
        credit_percent=percent(credit.percent),
        credit_reason=credit.reason,
        budget_allowed_seconds=budget.allowed_seconds,
        budget_left_seconds=budget.left_seconds,
        outages=outages_seen(
            history.circuit.id, part.runs, start_s, end_s, last.own, part.reclassified
        ),
        exclusions=exclusions_in(part, start_s, end_s),
        verdict=worst_of(judged.objectives),
        sentence=_sentence(last.month, judged.objectives, down, verdict.allowed_seconds),
        credit_amount=credit.amount,
        credit_currency=credit.currency,
        credit_issued=credit.issued,
        credit_claim_by_s=credit.claim_by_s,
        open_proposals=proposals,
        outage_figures=month_figures(periods),
        budget=budget,
        credit_working=money_working(judged.segments),
        credit_terms=credit_terms(contract.payout) if contract.credit else None,
    )


def is_final(
    history: CircuitHistory, last: Period, proposals: Sequence[str], close_after_seconds: int
) -> bool:
    """Return whether nothing but a decision or late samples can change a month any more."""
    availability = last.history.in_force.contract.availability
    settling = availability.consecutive * history.circuit.grid_seconds
    settled_s = last.month_end_s + settling + close_after_seconds
    return history.complete_up_to_s >= settled_s and not proposals


def outages_seen(
    circuit_id: str,
    runs: Sequence[JudgedRun],
    start_s: int,
    end_s: int,
    own: Ownership,
    known: Sequence[Reclassification] = (),
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
        for outage in outages_in(circuit_id, runs, start_s, end_s, known)
    )


def _text(ratio: Fraction | None) -> str | None:
    return None if ratio is None else percent_down(ratio)


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
    found = excluded_by_people(part, start_s, end_s)
    for decision in part.decisions:
        window = decision.window
        if max(window.start, start_s) >= min(window.end, end_s):
            continue
        seconds = sum(
            max(0, min(piece.end_s, end_s) - max(piece.start_s, start_s))
            for piece in part.excluded
            if piece.window_id == window.id
        )
        stands = "Not decided" if decision.is_open else "Refused"
        reason = f"{'Accepted' if decision.accepted else stands}: {decision.reason}."
        covered = min(window.end, end_s) - max(window.start, start_s)
        if decision.accepted and window.ticket is not None:
            reason += f" {duration(seconds)} of its wait still counted as down, and are taken out."
        elif decision.accepted and seconds < covered:
            why = (
                "the circuit was up, would not have been up either, or another window or the "
                "monthly cap had it"
                if window.channel is not None
                else "another window has the rest, or the monthly cap is used up"
            )
            reason += f" {duration(seconds)} of {duration(covered)} taken out: {why}."
        found.append(
            ExclusionAnswer(
                window.id,
                window.start,
                window.end if window.end < STILL_S else max(min(end_s, part.end_s), window.start),
                window.scope,
                decision.accepted,
                seconds,
                reason if window.end < STILL_S else f"{reason} The ticket still waits.",
                proposed_by=window.proposed_by,
                decided_by=window.refused_by or window.approved_by,
                is_open=decision.is_open,
                shown=window.show_to_customer,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.start_s, one.exclusion_id)))
