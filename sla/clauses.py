"""A contract's rules in words, each with its source: the contract, or the standard. Pure."""

from typing import Final

from linksla.inventory import Circuit
from sla.answers import CreditTerms
from sla.bands import percent
from sla.contracts import Contract, PerformanceTerms
from sla.explanation import Clause
from sla.measures import UNITS
from sla.schedules import (
    DownSecondsBands,
    ExceedanceBands,
    PayoutTerms,
    PercentBands,
    PerCumulativeHour,
    Schedule,
)
from sla.words import duration, plain

_RULE: Final = "RFC 4805 and MEF 10: consecutive intervals"


def clauses(contract: Contract, circuit: Circuit) -> tuple[Clause, ...]:
    """Return the rules by which seconds and objectives are judged."""
    terms, source = contract.availability, contract.source
    grid, n = circuit.grid_seconds, terms.consecutive
    threshold = plain(terms.loss_threshold * 100)
    formula = (
        "(period - down) / period" if terms.denominator == "whole_period" else "up / (up + down)"
    )
    found = [
        Clause("target", f"Availability of at least {plain(terms.target_percent)} %.", source),
        Clause(
            "channels",
            f"A cell of {grid} s is good while at least {terms.up_at_least} of the circuit's "
            "channels are good, bad when fewer than that can be, else unknown.",
            source,
        ),
        Clause(
            "bad",
            "A channel's cell is bad when its BGP session is known not to be established, or its "
            f"mean loss is above {threshold} %.",
            source,
        ),
        Clause(
            "consecutive",
            f"Down from the first of {n} bad cells in a row ({duration(n * grid)}), up again from "
            f"the first of {n} good ones. Unknown cells neither count nor break a run, but {n} or "
            "more of them in a row do, and are unmeasured.",
            f"{source}; {_RULE}",
        ),
        Clause("formula", f"Availability is {formula}, in whole seconds.", source),
        Clause(
            "coverage",
            f"Where the unmeasured seconds decide and less than "
            f"{plain(terms.coverage_percent_min)} % was measured, no verdict is given.",
            source,
        ),
        *(_objective(one, source) for one in contract.objectives),
        _maintenance(contract),
        *_by_people(contract),
        *_outages(contract),
        Clause(
            "month",
            f"A month begins at local midnight of day {contract.anniversary_day} in "
            f"{contract.timezone}.",
            source,
        ),
    ]
    return tuple(found)


def _objective(terms: PerformanceTerms, source: str) -> Clause:
    which = "all channels pooled" if terms.channels == "pooled" else "the worst channel"
    how = ""
    if terms.statistic.startswith("p"):
        source += "; RFC 2330, 11.3 (nearest rank), RFC 7679 (a lost one is infinite)"
        how = "; nearest rank over all observations, a lost one counting as infinite"
    unit = "of the bandwidth" if terms.relative_to_bandwidth else UNITS[terms.metric]
    bound = "at least" if terms.at_least else "at most"
    return Clause(
        f"objective {terms.name}",
        f"{terms.name}: {terms.metric.replace('_', ' ')} {terms.statistic} of {which}, {bound} "
        f"{plain(terms.limit)} {unit}, over the time that was up and not excluded{how}.",
        source,
    )


def _maintenance(contract: Contract) -> Clause:
    terms = contract.maintenance
    cap = (
        "without a monthly cap"
        if terms.cap_hours_per_month is None
        else f"up to {plain(terms.cap_hours_per_month)} h a month, in order of time"
    )
    return Clause(
        "maintenance",
        f"Maintenance announced {terms.notice_hours} h before, or approved by another than who "
        f"proposed it, is excluded, {cap}. A channel's window excludes only what would have been "
        "up without it.",
        contract.source,
    )


def _by_people(contract: Contract) -> list[Clause]:
    """Return what else leaves the contractual buckets, once two people have said so."""
    terms = contract.exclusions
    kinds = [
        ("customer", terms.customer, "Outages that the customer caused are excluded."),
        ("force_majeure", terms.force_majeure, "Outages by force majeure are excluded."),
        (
            "waiting",
            terms.waiting_for_customer,
            "While an outage's ticket waits for the customer, its seconds are excluded.",
        ),
    ]
    source = f"{contract.source}; MEF 124 (ticket state pending)"
    return [Clause(key, text, source) for key, holds, text in kinds if holds]


def _outages(contract: Contract) -> list[Clause]:
    terms, found = contract.outages, []
    if terms.count_max is not None:
        found.append(("outage count", f"At most {terms.count_max} outages begin in a month."))
    if terms.longest_seconds_max is not None:
        found.append(
            ("longest", f"No outage is longer than {duration(terms.longest_seconds_max)}.")
        )
    if terms.restore_mean_seconds_max is not None:
        least = duration(terms.restore_mean_seconds_max)
        found.append(("restore", f"The mean time to restore is at most {least} (MEF 61.1)."))
    if terms.chronic is not None:
        one = terms.chronic
        found.append(
            (
                "chronic",
                f"Chronic: {one.outages} outages of at least {duration(one.lasting_seconds)} in "
                f"any {one.within_days} days.",
            )
        )
    return [Clause(key, text, contract.source) for key, text in found]


def commercial_clauses(contract: Contract) -> tuple[Clause, ...]:
    """Return what a miss gives back: for who may see prices only."""
    found = [
        Clause(f"credit {number}", _schedule(schedule), _noted(contract.source, schedule.note))
        for number, schedule in enumerate(contract.credit, 1)
    ] or [Clause("credit", "The contract has no credit schedule.", contract.source)]
    if contract.credit:
        found.append(Clause("payout", credit_terms(contract.payout).words, contract.source))
    return tuple(found)


def _noted(source: str, note: str) -> str:
    return f"{source}; {note}" if note else source


def _schedule(schedule: Schedule) -> str:
    if isinstance(schedule, PerCumulativeHour):
        least = schedule.minimum_qualifying_outage_seconds
        which = f" of outages of at least {duration(least)}" if least else ""
        return (
            f"{percent(schedule.credit_per_hour_percent)} % for each completed hour of down "
            f"time{which}, at most {percent(schedule.cap_percent)} %."
        )
    rows = "; ".join(
        f"from {percent(bound)}: {percent(credit)} %" for bound, credit in schedule.bands
    )
    if isinstance(schedule, PercentBands):
        return f"By availability in percent, the first band that is reached: {rows}."
    if isinstance(schedule, DownSecondsBands):
        return f"By the month's down seconds, the last band that is reached: {rows}."
    if isinstance(schedule, ExceedanceBands):
        return (
            f"By how many percent {schedule.objective} exceeds {plain(schedule.limit)}, the last "
            f"band that is reached: {rows}."
        )
    return f"By the mean time to restore in seconds, the last band that is reached: {rows}."


def credit_terms(terms: PayoutTerms) -> CreditTerms:
    """Return when a credit becomes money, in words too."""
    currency = f" {terms.currency}" if terms.currency else ""
    claim = (
        "needs no claim"
        if terms.claim_within_days is None
        else f"must be claimed within {terms.claim_within_days} days after the month's end"
    )
    cap, least = percent(terms.cap_percent), plain(terms.minimum_amount)
    return CreditTerms(
        cap,
        least,
        terms.claim_within_days,
        f"At most {cap} % of the month's charge; paid out when it is more than {least}{currency}; "
        f"{claim}.",
    )
