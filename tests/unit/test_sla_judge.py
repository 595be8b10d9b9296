"""Verdicts, bounds, budget and credit: exact, with reasons in words."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.answers import Bucket, Outcome, Seconds
from sla.contracts import AvailabilityTerms, Contract
from sla.credits import Delivered
from sla.judge import (
    Tally,
    availability,
    coverage,
    judge_availability,
    judge_credit,
    tally,
)
from sla.judged import JudgedRun
from sla.outages import outage_id, outages_in
from sla.schedules import PercentBands
from sla.words import decimal_up, duration, percent_down

MONTH = 2_678_400
BANDS = tuple(
    (Fraction(low), Fraction(share))
    for low, share in (("99.99", 0), ("99", 10), ("95", 25), ("0", 100))
)


def terms(**more) -> AvailabilityTerms:
    return AvailabilityTerms(
        **({"target_percent": "99.99", "up_at_least": 3, "consecutive": 10} | more)
    )


def judged(
    seconds: Seconds,
    *,
    if_bad: Seconds | None = None,
    if_good: Seconds | None = None,
    rest: int = 0,
    **more,
):
    return judge_availability(
        terms(**more), Tally(seconds, seconds, 0), if_bad or seconds, if_good or seconds, rest
    )


@pytest.mark.parametrize(
    ("down", "outcome"),
    [(0, Outcome.MET), (267, Outcome.MET), (268, Outcome.BREACHED), (300, Outcome.BREACHED)],
)
def test_one_second_decides_and_no_printed_value_does(down: int, outcome: Outcome) -> None:
    verdict = judged(Seconds(MONTH - down, down, 0, 0))

    assert verdict.outcome is outcome
    assert verdict.allowed_seconds == 267
    assert duration(down) in verdict.reason


def test_the_working_shows_the_formula_with_its_numbers() -> None:
    verdict = judged(Seconds(MONTH - 300, 300, 0, 0))

    assert verdict.formula == "up / (up + down)"
    assert verdict.working == "2,678,100 / (2,678,100 + 300) = 99.98879 %, rounded down"


def test_an_exact_percentage_says_so() -> None:
    assert judged(Seconds(9_999, 1, 0, 0)).working.endswith("= 99.99000 %, exactly")


def test_both_denominators_leave_excluded_seconds_out_of_down() -> None:
    seconds = Seconds(700, 100, 100, 100)

    assert availability(terms(), seconds) == Fraction(700, 800)
    assert availability(terms(denominator="whole_period"), seconds) == Fraction(900, 1_000)
    assert coverage(seconds) == Fraction(800, 900)


@pytest.mark.parametrize("denominator", ["measured", "whole_period"])
def test_nothing_measured_is_no_availability_and_not_assessable(denominator: str) -> None:
    nothing = Seconds(0, 0, 0, 1_000)

    verdict = judged(
        nothing,
        if_bad=Seconds(0, 1_000, 0, 0),
        if_good=Seconds(1_000, 0, 0, 0),
        denominator=denominator,
    )

    assert verdict.contractual is None
    assert verdict.outcome is Outcome.NOT_ASSESSABLE
    assert "Only 0.00000 %" in verdict.reason


def test_a_period_that_is_all_excluded_is_not_assessable() -> None:
    verdict = judged(Seconds(0, 0, 1_000, 0))

    assert verdict.outcome is Outcome.NOT_ASSESSABLE
    assert verdict.coverage is None


@pytest.mark.parametrize(
    ("unmeasured", "outcome"), [(60_000, Outcome.NOT_ASSESSABLE), (50_000, Outcome.MET)]
)
def test_bounds_that_differ_decide_only_under_enough_coverage(
    unmeasured: int, outcome: Outcome
) -> None:
    up = 1_000_000 - unmeasured

    verdict = judged(
        Seconds(up, 0, 0, unmeasured),
        if_bad=Seconds(up, unmeasured, 0, 0),
        if_good=Seconds(1_000_000, 0, 0, 0),
    )

    assert verdict.outcome is outcome
    assert verdict.bounds == (Fraction(up, 1_000_000), Fraction(1))
    assert duration(unmeasured) in verdict.reason


def test_bounds_that_agree_are_the_verdict_whatever_the_coverage() -> None:
    verdict = judged(
        Seconds(90_000, 10_000, 0, 900_000),
        if_bad=Seconds(90_000, 910_000, 0, 0),
        if_good=Seconds(990_000, 10_000, 0, 0),
    )

    assert verdict.outcome is Outcome.BREACHED


@pytest.mark.parametrize(
    ("down", "outcome"),
    [
        (0, Outcome.MET),
        (200, Outcome.MET),  # 75 % of 267.84 are 200.88
        (201, Outcome.AT_RISK),
        (267, Outcome.AT_RISK),
        (268, Outcome.BREACHED),
    ],
)
def test_an_open_month_is_at_risk_beyond_three_quarters_and_breached_past_saving(
    down: int, outcome: Outcome
) -> None:
    verdict = judged(Seconds(100_000 - down, down, 0, 0), rest=MONTH - 100_000)

    assert verdict.outcome is outcome
    assert verdict.allowed_seconds == 267


@given(
    up=st.integers(0, 10**6), down=st.integers(0, 10**4), rest=st.integers(0, 10**6),
    whole=st.booleans(), unmeasured=st.integers(0, 10**5), excluded=st.integers(0, 10**5),
)  # fmt: skip
def test_breached_is_exactly_down_beyond_what_is_allowed(
    up, down, rest, whole, unmeasured, excluded
) -> None:
    seconds = Seconds(up, down, excluded, unmeasured)
    more = {"denominator": "whole_period"} if whole else {}

    verdict = judged(seconds, rest=rest, coverage_percent_min=0, **more)

    if verdict.outcome is not Outcome.NOT_ASSESSABLE:
        assert (verdict.outcome is Outcome.BREACHED) == (down > verdict.allowed_seconds)
        if not rest and verdict.contractual is not None:
            missed = verdict.contractual * 100 < Fraction("99.99")
            assert (verdict.outcome is Outcome.BREACHED) == missed


def contract(**more) -> Contract:
    credit = PercentBands(basis="availability_percent", bands=BANDS)
    known = {"id": "c", "version": 1, "title": "t", "source": "s", "timezone": "UTC"}
    return Contract(**known, **({"availability": terms(), "credit": credit} | more))


def delivered(seconds: Seconds, rest: int = 0) -> Delivered:
    reached = availability(terms(), Seconds(seconds.up + rest, seconds.down, 0, 0))
    return Delivered(
        availability_percent=None if reached is None else reached * 100,
        down_seconds=seconds.down,
        is_open=rest > 0,
    )


@pytest.mark.parametrize(("down", "credit"), [(267, 0), (268, 10), (26_784, 10), (26_785, 25)])
def test_a_breach_is_credited_by_its_band(down: int, credit: int) -> None:
    seconds = Seconds(MONTH - down, down, 0, 0)

    found, reason = judge_credit(contract(), judged(seconds), delivered(seconds))

    assert found == credit
    assert reason


def test_an_open_month_is_credited_by_the_best_it_can_still_reach() -> None:
    seconds = Seconds(9_000, 1_000, 0, 0)
    rest = MONTH - 10_000

    found, reason = judge_credit(contract(), judged(seconds, rest=rest), delivered(seconds, rest))

    assert found == 10
    assert "at least" in reason


def test_there_is_no_credit_without_assessment_or_without_a_schedule() -> None:
    unknown = Seconds(0, 0, 0, 10)
    verdict = judged(unknown, if_bad=Seconds(0, 10, 0, 0), if_good=Seconds(10, 0, 0, 0))
    down = Seconds(0, 10, 0, 0)

    assert judge_credit(contract(), verdict, delivered(unknown))[0] == 0
    assert (
        "no credit schedule"
        in judge_credit(contract(credit=None), judged(down), delivered(down))[1]
    )


def test_several_schedules_add_up_to_the_cap_and_no_further() -> None:
    seconds = Seconds(MONTH - 40_000, 40_000, 0, 0)
    hours = {
        "basis": "cumulative_down_seconds", "bands": [["0", "0"], ["3600", "30"]],
    }  # fmt: skip
    both = {"credit": [PercentBands(basis="availability_percent", bands=BANDS), hours]}
    capped = both | {"payout": {"cap_percent": 50}}

    assert judge_credit(contract(**both), judged(seconds), delivered(seconds))[0] == 55
    found, reason = judge_credit(contract(**capped), judged(seconds), delivered(seconds))
    assert found == 50
    assert "Capped at 50 %" in reason


def runs(text: str) -> list[JudgedRun]:
    kinds = {
        "u": (Bucket.UP, Bucket.UP), "d": (Bucket.DOWN, Bucket.DOWN),
        "?": (Bucket.UNMEASURED, Bucket.UNMEASURED), "x": (Bucket.EXCLUDED, Bucket.DOWN),
    }  # fmt: skip
    return [JudgedRun(at, at + 1, *kinds[c], c == "d") for at, c in enumerate(text)]


def test_an_outage_is_not_split_by_unmeasured_or_excluded_seconds() -> None:
    (outage,) = outages_in("A", runs("uudd??dxxdd?uu"), 0, 14)

    assert (outage.start_s, outage.end_s) == (2, 11)
    assert (outage.down_seconds, outage.excluded_seconds) == (5, 2)
    assert outage.outage_id == outage_id("A", 2)


def test_an_outage_counts_in_each_range_its_seconds_there_and_is_carried_in() -> None:
    first, second = (outages_in("A", runs("uddddu"), *part)[0] for part in ((0, 3), (3, 6)))

    assert (first.down_seconds, first.carried_in) == (2, False)
    assert (second.down_seconds, second.carried_in) == (2, True)
    assert first.outage_id == second.outage_id


def test_what_has_not_come_up_again_is_still_down() -> None:
    (outage,) = outages_in("A", runs("udd??"), 0, 5)

    assert outage.end_s is None
    assert outage.down_seconds == 2


def test_time_that_no_run_covers_is_unmeasured() -> None:
    assert tally(runs("uu"), 0, 10).contractual == Seconds(2, 0, 0, 8)


def test_numbers_are_printed_towards_breach() -> None:
    assert percent_down(Fraction(2_678_100, MONTH)) == "99.98879"
    assert percent_down(Fraction(99_999_999, 100_000_000)) == "99.99999"
    assert decimal_up(Fraction(30_001, 10_000), 3) == "3.001"
    assert duration(267) == "4 min 27 s"
    assert duration(90_061) == "1 d 1 h 1 min 1 s"
