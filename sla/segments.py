"""A month by segments: each judged, the credit weighted by its share of the period (DESIGN 7.9).

How seconds are judged never changes inside a month, so their sums mean something; targets,
objectives, credit, price and bandwidth may change, and each part is held to its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from linksla.clock import iso
from linksla.inventory import Circuit
from sla.answers import ObjectiveAnswer, Outage, Seconds, Segment
from sla.bands import percent
from sla.calendar import month_bounds
from sla.chronic import counted_objectives
from sla.contracts import Contract
from sla.credits import Delivered, OutageSeconds, money
from sla.history import CircuitHistory, History
from sla.judge import (
    AvailabilityVerdict,
    Tally,
    availability,
    contractual_seconds,
    coverage,
    explained,
    judge_availability,
    judge_credit,
    tally,
    worst_of,
)
from sla.judged import outage_ranges
from sla.outages import outages_in
from sla.periods import Period, owners_in
from sla.words import percent_down, plain


@dataclass(frozen=True, slots=True)
class JudgedSegment:
    """One segment: its seconds, verdict, objectives and credit."""

    period: Period
    tally: Tally
    unknown_bad: Seconds
    unknown_good: Seconds
    verdict: AvailabilityVerdict
    objectives: tuple[ObjectiveAnswer, ...]
    credit_percent: Fraction
    credit_reason: str
    monthly: "Charge | None"

    @property
    def contract(self) -> Contract:
        """The version in force."""
        return self.period.history.in_force.contract


@dataclass(frozen=True, slots=True)
class Charge:
    """A month's price, exact."""

    amount: Fraction
    currency: str


@dataclass(frozen=True, slots=True)
class JudgedMonth:
    """All segments, and what they come to together."""

    circuit: Circuit
    segments: tuple[JudgedSegment, ...]
    tally: Tally
    verdict: AvailabilityVerdict
    objectives: tuple[ObjectiveAnswer, ...]  # availability first


@dataclass(frozen=True, slots=True)
class MonthCredit:
    """What a month gives back: percent of the charge, and money where a price is known."""

    percent: Fraction
    reason: str
    amount: str | None = None
    currency: str | None = None
    issued: bool | None = None
    claim_by_s: int | None = None


_ALL: Final = Fraction(1)
_NOTHING: Final = Delivered()  # where no credit follows from it


def judge_segments(
    history: CircuitHistory,
    periods: Sequence[Period],
    objectives: Sequence[Sequence[ObjectiveAnswer]],
) -> JudgedMonth:
    """Judge each segment by its own terms, then say what they come to."""
    newest = periods[-1].history  # judged over the whole past by the same k, n and threshold
    found = tuple(
        _judged(history.circuit, period, newest, (*more, *counted))
        for period, more, counted in zip(
            periods, objectives, counted_objectives(periods), strict=True
        )
    )
    last = found[-1].verdict
    if len(found) == 1:
        only = found[0]
        merged = (_availability_objective(only), *only.objectives)
        return JudgedMonth(history.circuit, found, only.tally, last, merged)
    whole = Tally(
        _sum([one.tally.contractual for one in found]),
        _sum([one.tally.as_experienced for one in found]),
        sum(one.tally.bad_but_not_down for one in found),
    )
    rows = [(_availability_objective(one), *one.objectives) for one in found]
    names = dict.fromkeys(answer.name for row in rows for answer in row)
    merged = tuple(_merged(name, found, rows) for name in names)
    verdict = _together(found, whole, merged[0])
    first = replace(
        merged[0],
        actual=None if verdict.contractual is None else percent_down(verdict.contractual),
        exact=None,
    )
    return JudgedMonth(history.circuit, found, whole, verdict, (first, *merged[1:]))


def _judged(
    circuit: Circuit, period: Period, newest: History, objectives: tuple[ObjectiveAnswer, ...]
) -> JudgedSegment:
    part, contract = period.history, period.history.in_force.contract
    start_s, end_s = period.start_s, period.end_s
    nominal = tally(part.runs, start_s, end_s)
    bad = contractual_seconds(part.unknown_bad, start_s, end_s)
    good = contractual_seconds(part.unknown_good, start_s, end_s)
    verdict = judge_availability(contract.availability, nominal, bad, good, period.rest)
    outages: tuple[Outage, ...] = ()
    if nominal.contractual.down:
        outages = outages_in(circuit.id, newest.runs, start_s, end_s)
    delivered = _NOTHING
    if contract.credit:
        known = period if newest is part else replace(period, history=newest)
        delivered = _delivered(contract, nominal.contractual, known, outages, objectives)
    share, reason = judge_credit(contract, verdict, delivered)
    return JudgedSegment(
        period, nominal, bad, good, verdict, objectives, share, reason,
        _charge(circuit, period, outages),
    )  # fmt: skip


def _delivered(
    contract: Contract,
    seconds: Seconds,
    known: Period,
    outages: Sequence[Outage],
    objectives: Sequence[ObjectiveAnswer],
) -> Delivered:
    """Return what the segment's credit follows from; `rest` of an open one counts as up."""
    reached = availability(
        contract.availability,
        Seconds(seconds.up + known.rest, seconds.down, seconds.excluded, seconds.unmeasured),
    )
    totals = _down_by_onset(known) if outages else {}
    return Delivered(
        availability_percent=None if reached is None else reached * 100,
        down_seconds=seconds.down,
        outages=tuple(
            OutageSeconds(totals[one.start_s], one.down_seconds)
            for one in outages
            if totals.get(one.start_s)
        ),
        restore_seconds=tuple(
            totals[one.start_s]
            for one in outages
            if totals.get(one.start_s) and known.start_s <= one.start_s
        ),
        measured={one.name: one.exact for one in objectives if one.actual is not None},
        is_open=known.rest > 0,
    )


def _down_by_onset(known: Period) -> dict[int, int]:
    """Return the down seconds of the outages that touch a segment, also those beyond its ends.

    Never of time before or after the ownership: what a former owner went through gives nothing.
    """
    runs, own = known.history.runs, known.own
    found = {}
    for outage in outage_ranges(runs):
        lower = max(outage.start_s, own.start_s)
        upper = min(own.end_s, runs[-1].end_s if outage.end_s is None else outage.end_s)
        if lower < known.end_s and upper > known.start_s:
            found[outage.start_s] = tally(runs, lower, upper).contractual.down
    return found


def _charge(circuit: Circuit, period: Period, outages: Sequence[Outage]) -> Charge | None:
    """Return the month's price in force at the onset of what was down, or at the segment's start.

    AWS Interconnect SLA: "the rate in force when the Unavailability began". Several outages with
    different prices count by their down seconds; None where a price is not known.
    """
    if not circuit.prices:
        return None
    down = [one for one in outages if one.down_seconds]
    onsets = [(one.start_s, one.down_seconds) for one in down] or [(period.start_s, 1)]
    prices = [(circuit.price_at(max(at, period.own.start_s)), weight) for at, weight in onsets]
    known = [(price, weight) for price, weight in prices if price is not None]
    if len(known) < len(prices) or len({price.currency for price, _ in known}) != 1:
        return None
    total = sum((Fraction(price.amount) * weight for price, weight in known), Fraction(0))
    return Charge(total / sum(weight for _, weight in known), known[0][0].currency)


def _sum(many: Sequence[Seconds]) -> Seconds:
    return Seconds(
        sum(one.up for one in many),
        sum(one.down for one in many),
        sum(one.excluded for one in many),
        sum(one.unmeasured for one in many),
    )


def _together(
    found: Sequence[JudgedSegment], whole: Tally, judged: ObjectiveAnswer
) -> AvailabilityVerdict:
    """Return the numbers of the whole month, with the outcome of its segments together."""
    terms = found[-1].contract.availability
    ratio = availability(terms, whole.contractual)
    formula, working = explained(terms, whole.contractual, ratio)
    return AvailabilityVerdict(
        ratio,
        availability(terms, whole.as_experienced),
        (
            availability(terms, _sum([one.unknown_bad for one in found])),
            availability(terms, _sum([one.unknown_good for one in found])),
        ),
        coverage(whole.contractual),
        sum(one.verdict.allowed_seconds for one in found),
        judged.verdict,
        judged.reason,
        formula,
        working,
    )


def _availability_objective(one: JudgedSegment) -> ObjectiveAnswer:
    ratio = one.verdict.contractual
    return ObjectiveAnswer(
        name="availability",
        target=plain(one.contract.availability.target_percent),
        actual=None if ratio is None else percent_down(ratio),
        unit="%",
        verdict=one.verdict.outcome,
        reason=one.verdict.reason,
    )


def _merged(
    name: str, found: Sequence[JudgedSegment], rows: Sequence[Sequence[ObjectiveAnswer]]
) -> ObjectiveAnswer:
    """Return one objective over all segments: the worst of them, each with its reason."""
    parts = [
        (segment, answer)
        for segment, row in zip(found, rows, strict=True)
        for answer in row
        if answer.name == name
    ]
    outcome = worst_of([answer for _, answer in parts])
    worst = next(answer for _, answer in parts if answer.verdict is outcome)
    targets = list(dict.fromkeys(answer.target for _, answer in parts))
    reasons = [
        f"From {iso(segment.period.start_s)} (version {segment.contract.version}): {answer.reason}"
        for segment, answer in parts
    ]
    return replace(worst, target=", then ".join(targets), reason=" ".join(reasons))


def month_credit(month: JudgedMonth, whole_seconds: int) -> MonthCredit:
    """Return Σ credit × segment / period, exact, and in money at the price of a full month.

    The last version's payout terms say whether it is issued, and until when it is to be claimed.
    """
    share = sum(
        [
            one.credit_percent * _share(one, whole_seconds)
            for one in month.segments
            if one.credit_percent
        ],
        Fraction(0),
    )
    reason = month.segments[0].credit_reason
    if len(month.segments) > 1:
        reason = " ".join(
            f"{percent(one.credit_percent)} % for {_share(one, whole_seconds)} of the period "
            f"from {iso(one.period.start_s)}: {one.credit_reason}"
            for one in month.segments
        )
    if not share:
        return MonthCredit(share, reason)
    contract = month.segments[-1].contract
    payout = contract.payout
    claim_by = _claim_by(month.segments[-1].period, contract)
    charge = _amount(month)
    if charge is None:
        return MonthCredit(share, reason, claim_by_s=claim_by)
    if payout.currency is not None and payout.currency != charge.currency:
        reason += f" No amount: the price is in {charge.currency}, not {payout.currency}."
        return MonthCredit(share, reason, claim_by_s=claim_by)
    issued = charge.amount > payout.minimum_amount
    if not issued:
        reason += (
            f" Not issued: {money(charge.amount, charge.currency)} {charge.currency} is not more "
            f"than {money(payout.minimum_amount, charge.currency)}."
        )
    printed = money(charge.amount, charge.currency)
    return MonthCredit(share, reason, printed, charge.currency, issued, claim_by)


def _amount(month: JudgedMonth) -> Charge | None:
    """Return the credit in money; a part of a month is charged by its seconds."""
    total, currencies = Fraction(0), set()
    for one in month.segments:
        if not one.credit_percent:
            continue
        if one.monthly is None:
            return None
        zone, day = one.contract.timezone, one.contract.anniversary_day
        lower, upper = month_bounds(one.period.month, zone, day)
        part = Fraction(one.period.full_end_s - one.period.start_s, upper - lower)
        total += one.monthly.amount * part * one.credit_percent / 100
        currencies.add(one.monthly.currency)
    return Charge(total, currencies.pop()) if len(currencies) == 1 else None


def _claim_by(period: Period, contract: Contract) -> int | None:
    """Return the local midnight so many days after the month's end."""
    if contract.payout.claim_within_days is None:
        return None
    zone = ZoneInfo(contract.timezone)
    end = datetime.fromtimestamp(min(period.month_end_s, period.own.end_s), zone)
    return int((end + timedelta(days=contract.payout.claim_within_days)).timestamp())


def _share(one: JudgedSegment, whole_seconds: int) -> Fraction:
    seconds = one.period.full_end_s - one.period.start_s
    return _ALL if seconds == whole_seconds else Fraction(seconds, whole_seconds)


def segment_answers(month: JudgedMonth, whole_seconds: int) -> tuple[Segment, ...]:
    """Return the segments as they are printed."""
    found = []
    for one in month.segments:
        ratio, charge = one.verdict.contractual, one.monthly
        price = month.circuit.price_at(one.period.start_s)
        found.append(
            Segment(
                one.contract.id,
                one.contract.version,
                one.period.start_s,
                one.period.end_s,
                full_end_s=one.period.full_end_s,
                allowed_seconds=one.verdict.allowed_seconds,
                bandwidth_mbps=month.circuit.bandwidth_at(one.period.start_s),
                down_seconds=one.tally.contractual.down,
                availability=None if ratio is None else percent_down(ratio),
                target=plain(one.contract.availability.target_percent),
                verdict=one.verdict.outcome,
                credit_percent=percent(one.credit_percent),
                credit_reason=one.credit_reason,
                share=str(_share(one, whole_seconds)),
                charge=None if charge is None else _printed(charge),
                price=None
                if price is None
                else _printed(Charge(Fraction(price.amount), price.currency)),
                owners=owners_in(
                    month.circuit,
                    max(one.period.start_s, one.period.own.start_s),
                    min(one.period.full_end_s, one.period.own.end_s),
                ),
            )
        )
    return tuple(found)


def _printed(charge: Charge) -> str:
    return f"{money(charge.amount, charge.currency)} {charge.currency}"
