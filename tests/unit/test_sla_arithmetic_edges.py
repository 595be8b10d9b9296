"""A verdict's arithmetic and a credit's: each number in its place, and each rule's own line."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from linksla.clock import iso
from linksla.inventory import Price
from sla.answers import Seconds
from sla.arithmetic import _ratio, compared, division, month_steps, segment_steps, sum_seconds
from sla.contracts import AvailabilityTerms
from sla.credit_steps import _commas, credit_steps, money_working, part_of_month
from sla.schedules import PayoutTerms, PerCumulativeHour
from sla.segments import JudgedMonth, judge_segments
from tests.unit.past_bench import DARK, DAY, DOWN, HOUR, JULY, JUNE, MIDDLE, ONE, OUT, Past


def terms(target: str = "99.9", **more: Any) -> AvailabilityTerms:
    return AvailabilityTerms(target_percent=target, up_at_least=1, consecutive=3, **more)


@pytest.mark.parametrize(
    ("over", "under", "said"),
    [
        (1, 2, "1 × 10,000,000 = 5,000,000 × 2, so 50.00000 % exactly"),
        (7, 7, "7 × 10,000,000 = 10,000,000 × 7, so 100.00000 % exactly"),
        (300, 2_678_400, "300 × 10,000,000 = 1,120 × 2,678,400 + 192,000, so 0.01120 %; the rest is"
         " dropped, which rounds towards breach"),
        (1, 3, "1 × 10,000,000 = 3,333,333 × 3 + 1, so 33.33333 %; the rest is dropped, which "
         "rounds towards breach"),
    ],
)  # fmt: skip
def test_a_percentage_is_a_division_that_leaves_its_rest(over: int, under: int, said: str) -> None:
    assert division(over, under) == said


@pytest.mark.parametrize(
    ("of", "seconds", "says", "working"),
    [
        ("measured", Seconds(60, 20, 15, 5), "A: 75.00000 %",
         "up / (up + down) = 60 / (60 + 20); 60 × 10,000,000 = 7,500,000 × 80, so 75.00000 % "
         "exactly"),
        ("whole_period", Seconds(60, 20, 15, 5), "A: 80.00000 %",
         "(period - down) / period = (100 - 20) / 100; 80 × 10,000,000 = 8,000,000 × 100, so "
         "80.00000 % exactly"),
        ("measured", Seconds(0, 0, 15, 5), "A: nothing was measured",
         "up / (up + down) = 0 / (0 + 0)"),
    ],
)  # fmt: skip
def test_an_availability_is_said_with_its_formula(
    of: Any, seconds: Seconds, says: str, working: str
) -> None:
    found = _ratio("key", "A", terms(denominator=of), seconds)

    assert (found.key, found.says, found.working) == ("key", says, working)


@pytest.mark.parametrize(
    ("down", "said"),
    [
        (100, "100 down × 10 = 1,000 is not more than 1,000 × 1 = 1,000: within the target"),
        (101, "101 down × 10 = 1,010 is more than 1,000 × 1 = 1,000: breached"),
    ],
)
def test_what_is_down_is_compared_in_whole_numbers(down: int, said: str) -> None:
    assert compared(terms("90"), Seconds(900 - down, down, 7, 9), 100) == said


def month(lost: Any = (), *more: Any, complete: int = JULY + DAY, **circuit: Any) -> JudgedMonth:
    past = Past(lost, more or (ONE,), complete=complete, circuit=circuit)
    periods = past.periods()
    return judge_segments(past.history(), periods, [()] * len(periods))


def steps(judged: JudgedMonth) -> dict[str, tuple[str, str]]:
    return {one.key: (one.says, one.working) for one in month_steps(judged)}


def test_an_open_month_is_worked_out_with_what_is_to_come() -> None:
    lost = [(JUNE, JUNE + 100, DOWN), (JUNE + 100, JUNE + 150, DARK), (JUNE + 200, JUNE + 230, OUT)]
    judged = month(lost, complete=MIDDLE)
    found = steps(judged)

    counted = 15 * DAY - 80
    assert found["contractual"][1].startswith(
        f"up / (up + down) = {counted - 100:,} / ({counted - 100:,} + 100); "
    )
    assert found["experienced"][1].startswith(
        f"up / (up + down) = {counted - 100:,} / ({counted - 100:,} + 130); "
    )
    assert found["coverage"][1].startswith(
        f"(up + down) / (period - excluded) = {counted:,} / {15 * DAY - 30:,}; {counted:,} × "
    )
    assert found["coverage"][0] == "Coverage: 99.99614 %"
    whole = 30 * DAY - 80  # 2591.92 s of it may be down
    assert found["allowed"] == (
        "At 99.9 %, 2,591.92 s may be down: 43 min 11 s, of which 41 min 31 s are left",
        f"up + down + the {15 * DAY:,} s still to come = {whole:,} s; 0.1 % of it = {whole:,} × "
        "0.1 / 100 = 2,591.92 s",
    )
    assert found["target"] == (
        "Compared with the target of 99.9 %",
        f"100 down × 1,000 = 100,000 is not more than {whole:,} × 1 = {whole:,}: within the target",
    )
    assert found["bounds"][0].startswith("50 s are unmeasured: 99.98842 % were every unknown cell")
    assert found["bounds"][1] == (
        f"all bad: up {counted - 100:,} s, down 150 s; all good: up {counted - 50:,} s, down 100 s"
    )
    assert found["target-bounds"][1].startswith("all bad: 150 down × 1,000 = 150,000 is not more")
    assert "; all good: 100 down × 1,000 = 100,000 is not more" in found["target-bounds"][1]
    assert found["verdict"][0] == "Verdict: met"
    assert [one.key for one in segment_steps(judged.segments[0])] == list(found)


def test_a_month_of_which_all_was_measured_has_no_bounds_and_says_what_is_left() -> None:
    found = steps(month([(JUNE, JUNE + 3_000, DOWN)]))

    assert found["bounds"] == ("Nothing is unmeasured: there is one availability only", "")
    assert "target-bounds" not in found
    assert found["allowed"] == (
        "At 99.9 %, 2,592 s may be down: 43 min 12 s, of which 0 s are left",
        "up + down = 2,592,000 s; 0.1 % of it = 2,592,000 × 0.1 / 100 = 2,592 s",
    )
    assert found["verdict"][0] == "Verdict: breached"
    of_all = replace(ONE, availability=terms(denominator="whole_period"))
    assert steps(month((), of_all))["allowed"][1].startswith("the period = 2,592,000 s; ")


def test_a_month_that_was_all_excluded_has_no_coverage() -> None:
    found = steps(month([(JUNE, JULY, OUT)]))

    assert "coverage" not in found
    assert found["contractual"][0] == "Contractual availability: nothing was measured"


def test_segments_are_put_together() -> None:
    second = replace(ONE, version=2, valid_from=MIDDLE, availability=terms("99"))
    lost = [(JUNE, JUNE + 10, DARK), (JUNE + 10, JUNE + 40, DOWN), (MIDDLE, MIDDLE + 7, DARK)]
    found = steps(month(lost, ONE, second))

    assert list(found) == [
        "contractual", "experienced", "coverage", "bounds", "allowed", "target", "verdict",
    ]  # fmt: skip
    # 0.1 % of 15 days less 10 s, 1 % of 15 days less 7 s
    assert found["allowed"] == (
        "Together 14,254 s may be down: 3 h 57 min 34 s", "1,295 + 12,959 s, segment by segment",
    )  # fmt: skip
    assert found["bounds"][0].startswith("17 s are unmeasured: ")
    assert found["bounds"][1] == (
        f"all bad: up {30 * DAY - 47:,} s, down 47 s; all good: up {30 * DAY - 30:,} s, down 30 s"
    )
    assert found["target"][0].startswith("Judged in 2 segments")


def test_seconds_are_added_bucket_by_bucket() -> None:
    assert sum_seconds([Seconds(1, 20, 300, 4_000), Seconds(5, 60, 700, 8_000)]) == Seconds(
        6, 80, 1_000, 12_000
    )


HOURLY = PerCumulativeHour(basis="per_cumulative_hour", credit_per_hour_percent=10)
GIVING = replace(ONE, credit=(HOURLY,), payout=PayoutTerms(claim_within_days=30))
USD = (Price(start=None, amount="2000", currency="USD"),)
TWO_HOURS = [(JUNE + HOUR, JUNE + 3 * HOUR, DOWN)]


def test_money_is_worked_out_with_its_parts() -> None:
    assert money_working(month(TWO_HOURS, GIVING, prices=USD).segments) == (
        "20 % of 2,000.00 USD = 400.00 USD"
    )
    odd = (Price(start=None, amount="33.33", currency="USD"),)
    assert money_working(month(TWO_HOURS, GIVING, prices=odd).segments) == (
        "20 % of 33.33 USD = 6.67 USD, rounded once, half up"
    )
    half = (Price(start=None, amount="2.50", currency="USD"),)
    assert money_working(month(TWO_HOURS, GIVING, prices=half).segments) == (
        "20 % of 2.50 USD = 0.50 USD"
    )
    assert money_working(month(TWO_HOURS, GIVING).segments) is None
    assert money_working(month((), GIVING, prices=USD).segments) is None


def test_segments_are_charged_by_their_part_of_the_month() -> None:
    second = replace(GIVING, version=2, valid_from=MIDDLE)
    lost = [*TWO_HOURS, (MIDDLE + HOUR, MIDDLE + 2 * HOUR, DOWN)]
    judged = month(lost, GIVING, second, prices=USD)

    assert [part_of_month(one) for one in judged.segments] == [Fraction(1, 2)] * 2
    assert money_working(judged.segments) == (
        "20 % of 2,000.00 USD × 1/2 of the month + 10 % of 2,000.00 USD × 1/2 of the month = "
        "300.00 USD"
    )
    prices = (*USD, Price(start=MIDDLE, amount="100", currency="EUR"))
    assert money_working(month(lost, GIVING, second, prices=prices).segments) is None
    late = (Price(start=MIDDLE, amount="100", currency="EUR"),)
    assert money_working(month(lost, GIVING, second, prices=late).segments) is None
    only_first = month(TWO_HOURS, GIVING, second, prices=USD)
    assert money_working(only_first.segments) == (
        "20 % of 2,000.00 USD × 1/2 of the month = 200.00 USD"
    )


def credit(
    lost: Any, *versions: Any, complete: int = JULY + DAY, **circuit: Any
) -> dict[str, tuple[str, str]]:
    past = Past(lost, versions, complete=complete, circuit=circuit)
    judged = month(lost, *versions, complete=complete, **circuit)
    return {one.key: (one.says, one.working) for one in credit_steps(judged, past.month())}


def test_a_credit_is_told_from_its_percent_to_the_day_it_is_claimed_by() -> None:
    found = credit(TWO_HOURS, GIVING, prices=USD)

    assert found["credit-percent"][0] == "Credit: 20 % of the charge"
    assert found["credit-percent"][1].startswith("20 %: 2 h 0 min 0 s down, ")
    assert found["credit-amount"][1] == "20 % of 2,000.00 USD = 400.00 USD"
    assert found["payout"] == (
        "400.00 USD: paid out",
        "it is more than the least that is paid out, 0.00 USD; at most 100 % of the charge is "
        "given back",
    )
    assert found["claim"] == (
        f"To be claimed by {iso(JULY + 30 * DAY)}",
        "30 days after the month's end, at local midnight in UTC",
    )


def test_a_small_credit_is_not_paid_out_and_an_open_one_may_still_change() -> None:
    payout = PayoutTerms(minimum_amount="400", cap_percent=50)
    small = credit(TWO_HOURS, replace(GIVING, payout=payout), prices=USD)
    assert small["payout"] == (
        "400.00 USD: not paid out",
        "it is not more than the least that is paid out, 400.00 USD; at most 50 % of the charge is "
        "given back",
    )
    assert "claim" not in small
    so_far = credit(TWO_HOURS, GIVING, prices=USD, complete=MIDDLE)
    assert so_far["payout"][0] == "400.00 USD: so far, and paid out if it stays"


def test_without_a_price_or_a_credit_there_is_no_amount() -> None:
    assert credit(TWO_HOURS, GIVING)["credit-amount"] == ("No amount: no price is known", "")
    second = replace(GIVING, version=2, valid_from=MIDDLE)
    assert credit(TWO_HOURS, GIVING, second)["credit-amount"] == (
        "No amount: no price is known",
        "",
    )
    assert list(credit((), GIVING, prices=USD)) == ["credit-percent"]


def test_the_credit_of_segments_is_weighted_by_their_seconds() -> None:
    second = replace(GIVING, version=2, valid_from=JUNE + 10 * DAY)
    found = credit(TWO_HOURS, GIVING, second, prices=USD)

    assert found["credit-percent"][0] == "Credit: 6.66667 % of the charge"
    assert found["credit-percent"][1].startswith(
        "20 % × 864,000/2,592,000 + 0 % × 1,728,000/2,592,000 = 6.66667 %. 20 % for 1/3 of"
    )


def test_an_amount_has_commas_and_the_places_of_its_currency() -> None:
    assert _commas(Fraction(1_234_567, 1), "USD") == "1,234,567.00 USD"
    assert _commas(Fraction(1, 2), "USD") == "0.50 USD"
    assert _commas(Fraction(1_234), "JPY") == "1,234 JPY"
