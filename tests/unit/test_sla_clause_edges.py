"""A contract's rules in words: each of its numbers in its place, and no rule that it has not."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sla.answers import CreditTerms
from sla.clauses import clauses, commercial_clauses, credit_terms
from sla.contracts import ExclusionTerms, MaintenanceTerms, PerformanceTerms
from sla.outage_terms import ChronicTerms, OutageTerms
from sla.schedules import (
    DownSecondsBands,
    ExceedanceBands,
    PayoutTerms,
    PercentBands,
    PerCumulativeHour,
    RestoreBands,
)
from tests.unit.past_bench import ONE
from tests.unit.told_bench import circuit

USUAL = ["target", "channels", "bad", "consecutive", "formula", "coverage", "maintenance", "month"]


def told(**more: Any) -> dict[str, tuple[str, str]]:
    found = clauses(replace(ONE, **more), circuit())
    return {one.key: (one.text, one.source) for one in found}


def test_a_plain_contract_has_the_usual_rules_and_no_other() -> None:
    found = told()

    assert list(found) == USUAL
    assert found["target"] == ("Availability of at least 99.9 %.", "here")
    assert found["channels"][0] == (
        "A cell of 10 s is good while at least 1 of the circuit's channels are good, bad when fewer"
        " than that can be, else unknown."
    )
    assert found["bad"][0] == (
        "A channel's cell is bad when its BGP session is known not to be established, or its mean "
        "loss is above 50 %."
    )
    assert found["consecutive"] == (
        "Down from the first of 3 bad cells in a row (30 s), up again from the first of 3 good "
        "ones. Unknown cells neither count nor break a run, but 3 or more of them in a row do, and "
        "are unmeasured.",
        "here; RFC 4805 and MEF 10: consecutive intervals",
    )
    assert found["formula"][0] == "Availability is up / (up + down), in whole seconds."
    assert found["coverage"][0] == (
        "Where the unmeasured seconds decide and less than 95 % was measured, no verdict is given."
    )
    assert found["month"][0] == "A month begins at local midnight of day 1 in UTC."


def test_the_whole_period_is_another_formula() -> None:
    terms = replace(ONE.availability, denominator="whole_period")

    assert told(availability=terms)["formula"][0] == (
        "Availability is (period - down) / period, in whole seconds."
    )


def objective(**more: Any) -> PerformanceTerms:
    known = {"name": "it", "metric": "latency", "statistic": "p95", "limit": Fraction(8)}
    return PerformanceTerms(**(known | more))


@pytest.mark.parametrize(
    ("terms", "text", "source"),
    [
        (objective(),
         "it: latency p95 of the worst channel, at most 8 ms, over the time that was up and not "
         "excluded; nearest rank over all observations, a lost one counting as infinite.",
         "here; RFC 2330, 11.3 (nearest rank), RFC 7679 (a lost one is infinite)"),
        (objective(metric="loss", statistic="mean", limit=Fraction("0.001"), channels="pooled"),
         "it: loss mean of all channels pooled, at most 0.001 ratio, over the time that was up and "
         "not excluded.", "here"),
        (objective(metric="throughput_rx", statistic="mean", limit=Fraction("0.5"),
                   relative_to_bandwidth=True),
         "it: throughput rx mean of the worst channel, at least 0.5 of the bandwidth, over the time"
         " that was up and not excluded.", "here"),
    ],
)  # fmt: skip
def test_an_objective_says_what_is_compared_and_how(
    terms: PerformanceTerms, text: str, source: str
) -> None:
    assert told(objectives=(terms,))["objective it"] == (text, source)


def test_the_source_of_one_objective_is_not_that_of_the_next() -> None:
    found = told(objectives=(objective(), objective(name="other", statistic="mean")))

    assert found["objective other"][1] == "here"


def test_maintenance_is_said_with_its_notice_and_cap() -> None:
    capped = MaintenanceTerms(notice_hours=72, cap_hours_per_month=Fraction("4.5"))

    assert told()["maintenance"][0].startswith(
        "Maintenance announced 0 h before, or approved by another than who proposed it, is "
        "excluded, without a monthly cap."
    )
    assert told(maintenance=capped)["maintenance"][0].startswith(
        "Maintenance announced 72 h before, or approved by another than who proposed it, is "
        "excluded, up to 4.5 h a month, in order of time."
    )


@pytest.mark.parametrize(
    ("terms", "key", "text"),
    [
        ({"customer": True}, "customer", "Outages that the customer caused are excluded."),
        ({"force_majeure": True}, "force_majeure", "Outages by force majeure are excluded."),
        ({"waiting_for_customer": True}, "waiting",
         "While an outage's ticket waits for the customer, its seconds are excluded."),
    ],
)  # fmt: skip
def test_what_people_take_out_is_said_where_the_contract_has_it(
    terms: dict[str, bool], key: str, text: str
) -> None:
    found = told(exclusions=ExclusionTerms(**terms))

    assert found.keys() - set(USUAL) == {key}
    assert found[key] == (text, "here; MEF 124 (ticket state pending)")


@pytest.mark.parametrize(
    ("terms", "key", "text"),
    [
        ({"count_max": 0}, "outage count", "At most 0 outages begin in a month."),
        ({"longest_seconds_max": 90}, "longest", "No outage is longer than 1 min 30 s."),
        ({"restore_mean_seconds_max": 61}, "restore",
         "The mean time to restore is at most 1 min 1 s (MEF 61.1)."),
        ({"chronic": ChronicTerms(outages=5, lasting_seconds=1_800, within_days=30)}, "chronic",
         "Chronic: 5 outages of at least 30 min 0 s in any 30 days."),
    ],
)  # fmt: skip
def test_what_is_promised_of_outages_is_said_where_the_contract_has_it(
    terms: dict[str, Any], key: str, text: str
) -> None:
    found = told(outages=OutageTerms(**terms))

    assert found.keys() - set(USUAL) == {key}
    assert found[key] == (text, "here")


BANDS = ((Fraction(0), Fraction(0)), (Fraction(60), Fraction(5)))
PAID = "At most 100 % of the month's charge; paid out when it is more than 0; needs no claim."


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (PercentBands(basis="availability_percent",
                      bands=((Fraction("99.9"), Fraction(0)), (Fraction(0), Fraction("12.5")))),
         "By availability in percent, the first band that is reached: from 99.9: 0 %; from 0: "
         "12.5 %."),
        (DownSecondsBands(basis="cumulative_down_seconds", bands=BANDS),
         "By the month's down seconds, the last band that is reached: from 0: 0 %; from 60: 5 %."),
        (PerCumulativeHour(basis="per_cumulative_hour", credit_per_hour_percent=Fraction(3)),
         "3 % for each completed hour of down time, at most 100 %."),
        (PerCumulativeHour(basis="per_cumulative_hour", credit_per_hour_percent=Fraction(3),
                           cap_percent=Fraction(50), minimum_qualifying_outage_seconds=60),
         "3 % for each completed hour of down time of outages of at least 1 min 0 s, at most "
         "50 %."),
        (ExceedanceBands(basis="exceedance_percent", objective="lat", limit=Fraction(8),
                         bands=BANDS),
         "By how many percent lat exceeds 8, the last band that is reached: from 0: 0 %; from 60: "
         "5 %."),
        (RestoreBands(basis="mttr", bands=BANDS),
         "By the mean time to restore in seconds, the last band that is reached: from 0: 0 %; from "
         "60: 5 %."),
    ],
)  # fmt: skip
def test_a_schedule_is_said_with_its_bands_and_followed_by_the_payout(
    schedule: Any, text: str
) -> None:
    found = commercial_clauses(replace(ONE, credit=(schedule,)))

    assert [(one.key, one.text, one.source) for one in found] == [
        ("credit 1", text, "here"), ("payout", PAID, "here")
    ]  # fmt: skip


def test_schedules_are_numbered_and_a_note_stands_with_its_source() -> None:
    noted = RestoreBands(basis="mttr", bands=BANDS, note="page 3")
    plain = RestoreBands(basis="mttr", bands=BANDS)

    found = commercial_clauses(replace(ONE, credit=(noted, plain)))

    assert [(one.key, one.source) for one in found] == [
        ("credit 1", "here; page 3"), ("credit 2", "here"), ("payout", "here")
    ]  # fmt: skip


def test_a_contract_without_a_schedule_says_so_and_nothing_of_a_payout() -> None:
    (only,) = commercial_clauses(ONE)

    assert (only.key, only.text, only.source) == (
        "credit", "The contract has no credit schedule.", "here"
    )  # fmt: skip


def test_a_payout_says_cap_least_currency_and_claim() -> None:
    terms = PayoutTerms(
        currency="EUR", minimum_amount=Fraction("2.5"), cap_percent=Fraction(30),
        claim_within_days=7,
    )  # fmt: skip

    assert credit_terms(terms) == CreditTerms(
        "30", "2.5", 7, "At most 30 % of the month's charge; paid out when it is more than 2.5 EUR;"
        " must be claimed within 7 days after the month's end."
    )  # fmt: skip
    assert credit_terms(PayoutTerms()) == CreditTerms("100", "0", None, PAID)
