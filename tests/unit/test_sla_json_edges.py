"""A month's body field by field: each value in its place, and nothing without the right to it."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from linksla.clock import iso
from sla.answers import (
    AttributionAnswer,
    Bucket,
    CircuitSummary,
    CreditTerms,
    ExclusionAnswer,
    MonthAnswer,
    ObjectiveAnswer,
    Outage,
    Outcome,
    Owner,
    Seconds,
    Segment,
    Series,
    Span,
    or_none,
)
from sla.budget_answers import Budget
from sla.json import attribution_json, exclusion_json, outage_json, to_json
from sla.outage_figures import OutageFigures
from tests.unit.past_bench import JULY, JUNE, Past

SEGMENT = Segment(
    "c", 4, JUNE, JUNE + 60, full_end_s=JULY, allowed_seconds=11, bandwidth_mbps=12,
    down_seconds=13, availability="14", target="15", verdict=Outcome.AT_RISK, credit_percent="16",
    credit_reason="seventeen", share="1/2", charge="18 EUR", price="19 EUR",
    owners=(Owner("acme", JUNE, JUNE + 30),),
)  # fmt: skip
ANSWER = replace(
    Past().month(), circuit_id="C-1", month="2026-06", timezone="Europe/Oslo", start_s=JUNE,
    end_s=JUNE + 61, month_end_s=JULY, complete_up_to_s=JUNE + 62, final=False,
    calculation_version=3, report_version=2, segments=(SEGMENT,), seconds=Seconds(1, 2, 3, 4),
    as_experienced=Seconds(5, 6, 0, 7), bad_but_not_down_seconds=8, coverage="9",
    availability_contractual="10", availability_as_experienced="11", availability_formula="f",
    availability_bounds=("12", None), objectives=(), budget=None, budget_allowed_seconds=20,
    budget_left_seconds=21, outages=(), exclusions=(), outage_figures=None, sentence="June.",
    verdict=Outcome.MET, availability_working="w", open_proposals=("p",), credit_percent="22",
    credit_reason="because", credit_amount=None, credit_terms=None, credit_claim_by_s=None,
)  # fmt: skip
PART = {
    "contract": {"id": "c", "version": 4}, "start": "2026-06-01T00:00:00Z",
    "end": "2026-06-01T00:01:00Z", "bandwidth_mbps": 12,
    "owners": [{"customer_id": "acme", "start": "2026-06-01T00:00:00Z",
                "end": "2026-06-01T00:00:30Z"}],
    "share": "1/2", "down_seconds": 13, "allowed_seconds": 11, "availability": "14",
    "target": "15", "verdict": "at_risk",
}  # fmt: skip
BODY = {
    "circuit_id": "C-1", "month": "2026-06", "timezone": "Europe/Oslo",
    "period": {"start": "2026-06-01T00:00:00Z", "end": "2026-06-01T00:01:01Z", "seconds": 61},
    "complete_up_to": "2026-06-01T00:01:02Z", "final": False, "calculation_version": 3,
    "report_version": 2, "segments": [PART],
    "seconds": {"up": 1, "down": 2, "excluded": 3, "unmeasured": 4},
    "as_experienced_seconds": {"up": 5, "down": 6, "unmeasured": 7},
    "bad_but_not_down_seconds": 8, "coverage": "9",
    "availability": {"contractual": "10", "as_experienced": "11", "formula": "f",
                     "bounds": ["12", None]},
    "objectives": [], "budget": {"allowed_seconds": 20, "left_seconds": 21}, "outages": [],
    "exclusions": [], "outage_figures": None, "month_end": "2026-07-01T00:00:00Z",
    "sentence": "June.", "verdict": "met", "working": "w", "open_proposals": ["p"],
}  # fmt: skip


def body(answer: MonthAnswer = ANSWER, *, commercial: bool = False) -> dict[str, Any]:
    return to_json(answer, commercial=commercial)


def test_a_month_without_the_right_to_prices_says_none() -> None:
    assert body() == BODY
    assert list(body()) == list(BODY)


def test_a_month_with_the_right_to_prices_says_what_is_given_back() -> None:
    found = body(commercial=True)

    assert found.pop("credit") == {"percent": "22", "reason": "because"}
    part = PART | {
        "credit": {"percent": "16", "reason": "seventeen"}, "charge": "18 EUR", "price": "19 EUR"
    }  # fmt: skip
    assert found == BODY | {"segments": [part]}
    assert list(body(commercial=True))[15] == "credit"


def test_money_terms_and_claim_stand_where_they_are_known() -> None:
    priced = replace(
        ANSWER, credit_amount="5.00", credit_currency="EUR", credit_issued=False,
        credit_working="x",
    )  # fmt: skip
    money = {"amount": "5.00", "currency": "EUR", "issued": False, "working": "x"}
    terms = replace(ANSWER, credit_terms=CreditTerms("30", "2.5", 7, "words"))
    claim = replace(ANSWER, credit_claim_by_s=JULY)
    bare = {"percent": "22", "reason": "because"}

    assert body(priced, commercial=True)["credit"] == bare | money
    assert body(terms, commercial=True)["credit"] == bare | {
        "terms": {"cap_percent": "30", "minimum_amount": "2.5", "claim_within_days": 7}
    }
    assert body(claim, commercial=True)["credit"] == bare | {"claim_by": iso(JULY)}


def test_the_budget_and_figures_stand_as_they_are_computed() -> None:
    figures = OutageFigures(2, Fraction(90), 100, (), 30, None)
    found = body(replace(ANSWER, budget=Budget(7, 0, 5), outage_figures=figures))

    assert found["budget"] == {"allowed_seconds": 7, "left_seconds": 0, "overspent_seconds": 5}
    assert found["outage_figures"]["began"] == 2


def test_a_segment_without_a_verdict_has_none() -> None:
    found = body(replace(ANSWER, segments=(replace(SEGMENT, verdict=None),)))

    assert found["segments"] == [PART | {"verdict": None}]


def test_an_objective_says_how_many_and_how_exact_where_it_knows() -> None:
    plain = ObjectiveAnswer("lat", "8", "7", "ms", Outcome.BREACHED, "why")
    counted = replace(plain, observations=0)
    exact = replace(plain, error_bound="≤ 1 %")
    said = {
        "name": "lat", "target": "8", "actual": "7", "verdict": "breached", "reason": "why",
        "unit": "ms",
    }  # fmt: skip

    assert body(replace(ANSWER, objectives=(plain, counted, exact)))["objectives"] == [
        said, said | {"observations": 0}, said | {"error_bound": "≤ 1 %"}
    ]  # fmt: skip


WORD = AttributionAnswer("P", "customer", "proposed", "ann", JUNE, "why", "INC-1")
SAID = {
    "id": "P", "attribution": "customer", "standing": "proposed", "ticket": "INC-1",
    "reason": "why", "proposed_by": "ann", "proposed_at": "2026-06-01T00:00:00Z",
    "decided_by": None, "decided_at": None, "decided_reason": None,
}  # fmt: skip


def test_an_outage_is_said_with_every_word_about_it() -> None:
    outage = Outage("o", "C", JUNE, None, 5, 6, "carrier", carried_in=True, attributions=(WORD,))
    told = {
        "id": "o", "start": "2026-06-01T00:00:00Z", "end": None, "down_seconds": 5,
        "excluded_seconds": 6, "attribution": "carrier", "carried_in": True,
        "attributions": [SAID],
    }  # fmt: skip

    assert outage_json(outage) == told
    assert outage_json(replace(outage, end_s=JULY)) == told | {"end": "2026-07-01T00:00:00Z"}
    assert body(replace(ANSWER, outages=(outage,)))["outages"] == [told]


def test_a_word_is_said_with_what_another_decided() -> None:
    decided = replace(WORD, decided_by="bob", decided_at_s=JULY, decided_reason="so")

    assert attribution_json(WORD) == SAID
    assert attribution_json(decided) == SAID | {
        "decided_by": "bob", "decided_at": "2026-07-01T00:00:00Z", "decided_reason": "so"
    }  # fmt: skip


def test_a_record_is_open_and_hidden_only_where_it_says_so() -> None:
    usual = ExclusionAnswer("W", JUNE, JULY, "circuit", accepted=False, seconds=7, reason="r")
    told = {
        "id": "W", "start": "2026-06-01T00:00:00Z", "end": "2026-07-01T00:00:00Z",
        "scope": "circuit", "accepted": False, "seconds": 7, "reason": "r", "proposed_by": "",
        "decided_by": None, "open": False, "shown": True,
    }  # fmt: skip
    other = replace(usual, proposed_by="ann", decided_by="bob", is_open=True, shown=False)

    assert exclusion_json(usual) == told
    assert exclusion_json(other) == told | {
        "proposed_by": "ann", "decided_by": "bob", "open": True, "shown": False
    }  # fmt: skip
    assert body(replace(ANSWER, exclusions=(usual,)))["exclusions"] == [told]


def test_lengths_and_sums_of_answers() -> None:
    assert Span(100, 107).seconds == 7
    assert Seconds(1, 20, 300, 4_000).total == 4_321
    assert Series("C", "loss", "ratio", range(0, 60, 15), None, "", ()).step_seconds == 15
    assert or_none(np.array([1.5, np.nan, 0.0])) == [1.5, None, 0.0]
    assert [one.value for one in Bucket] == ["up", "down", "excluded", "unmeasured"]


@pytest.mark.parametrize("settled", [False, True])
def test_channels_are_settled_only_where_a_summary_says_so(settled: bool) -> None:
    summary = CircuitSummary(
        "C", "acme", "Acme", "S", "r", 1, "up", None, 1, 1, 1, 0, 0, None,
        **({"channels_settled": True} if settled else {}),
    )  # fmt: skip

    assert summary.channels_settled is settled
