"""What a part of a month is held to at its ends: outages, prices, owners that reach over them."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter

from linksla.inventory import Ownership as Owner
from linksla.inventory import Price
from sla.answers import ObjectiveAnswer, Outcome
from sla.periods import Ownership
from sla.schedules import PayoutTerms, Schedules
from tests.unit.past_bench import (
    DARK,
    DAY,
    DOWN,
    HOUR,
    JULY,
    JUNE,
    MIDDLE,
    ONE,
    Past,
)

FIRST, LAST = JUNE + 10 * DAY, JUNE + 20 * DAY  # an owner's ten days
HIS = (Ownership("acme", FIRST, LAST),)
DOLLARS = {"prices": (Price(amount="1000", currency="USD"),)}


def giving(*schedules: dict[str, Any], **more: Any):
    return replace(ONE, credit=TypeAdapter(Schedules).validate_python(list(schedules)), **more)


def hourly(least: int) -> dict[str, Any]:
    return {
        "basis": "per_cumulative_hour", "credit_per_hour_percent": 10,
        "minimum_qualifying_outage_seconds": least,
    }  # fmt: skip


BANDS = {"basis": "availability_percent", "bands": [["99.9", 0], [99, 10], [95, 20], [0, 50]]}


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (FIRST - 2 * HOUR, FIRST + HOUR), (LAST - HOUR, LAST + 2 * HOUR),
        (FIRST, FIRST + HOUR), (LAST - HOUR, LAST), (FIRST + DAY, FIRST + DAY + HOUR),
    ],
)  # fmt: skip
def test_an_outage_qualifies_by_its_seconds_within_the_ownership(lower: int, upper: int) -> None:
    def credit(least: int) -> str:
        return Past([(lower, upper, DOWN)], (giving(hourly(least)),)).month(owns=HIS).credit_percent

    assert [credit(HOUR), credit(HOUR + 1)] == ["10", "0"]


def test_an_outage_qualifies_by_its_seconds_in_all_the_months_it_lies_in() -> None:
    def shares(lower: int, upper: int, least: int) -> list[str]:
        past = Past([(lower, upper, DOWN)], (giving(hourly(least)),))
        return [past.month(month).credit_percent for month in ("2026-06", "2026-07")]

    over = (JULY - HOUR, JULY + 2 * HOUR)
    assert shares(*over, 3 * HOUR) == ["10", "20"]
    assert shares(*over, 3 * HOUR + 1) == ["0", "0"]
    assert shares(JULY - HOUR, JULY, 1) == ["10", "0"]
    assert shares(JULY, JULY + HOUR, 1) == ["0", "10"]


def test_an_outage_that_lasts_qualifies_by_what_is_known_of_it() -> None:
    now = MIDDLE
    lost = [
        (JUNE - DAY, JUNE - DAY + 60, DOWN), (JUNE + DAY, JUNE + DAY + 60, DARK),
        (now - HOUR, now, DOWN),
    ]  # fmt: skip

    def credit(least: int) -> str:
        return Past(lost, (giving(hourly(least)),), complete=now).month().credit_percent

    assert [credit(HOUR), credit(HOUR + 1)] == ["10", "0"]


@pytest.mark.parametrize(
    ("lower", "shares"),
    [(MIDDLE - 1, ["8", "0"]), (MIDDLE, ["0", "8"]), (JUNE - 1, ["0", "0"]), (JUNE, ["8", "0"])],
)
def test_the_time_to_restore_belongs_to_the_part_in_which_the_outage_begins(
    lower: int, shares: list[str]
) -> None:
    mttr = giving({"basis": "mttr", "bands": [[0, 0], [600, 8]]})
    second = replace(mttr, version=2, valid_from=MIDDLE)

    answer = Past([(lower, lower + 600, DOWN)], (mttr, second)).month()

    assert [segment.credit_percent for segment in answer.segments] == shares


def test_while_a_second_is_to_come_a_mean_gives_nothing() -> None:
    mttr = giving({"basis": "mttr", "bands": [[0, 0], [60, 8]]})
    lost = [(JUNE + DAY, JUNE + DAY + 60, DOWN)]

    before, after = (
        Past(lost, (mttr,), complete=at, circuit={"grid_seconds": 1}).month()
        for at in (JULY - 1, JULY)
    )

    assert (before.credit_percent, after.credit_percent) == ("0", "8")
    assert before.credit_reason == "No credit yet: the mean time to restore may still fall."


@pytest.mark.parametrize(
    ("complete", "down", "credit"),
    [
        (JULY, DAY, "20"),  # 96.7 %
        (JULY, 7 * HOUR, "10"),  # 99.03 %
        (JUNE + 2 * DAY, DAY, "20"),  # 50 % so far, 96.7 % with a perfect rest
        (JUNE + 2 * DAY, 7 * HOUR, "10"),  # 99.03 %
    ],
)
def test_bands_give_by_the_best_the_month_can_still_reach(
    complete: int, down: int, credit: str
) -> None:
    answer = Past(
        [(JUNE + HOUR, JUNE + HOUR + down, DOWN)], (giving(BANDS),), complete=complete
    ).month()

    assert answer.credit_percent == credit


def objective(exact: Fraction | None, *, name: str = "rtt") -> ObjectiveAnswer:
    actual = None if exact is None else str(exact)
    return ObjectiveAnswer(name, "10", actual, "ms", Outcome.MET, "", 1, None, exact)


def test_an_objective_that_was_measured_gives_by_its_exact_value_and_another_nothing() -> None:
    contract = giving(
        {"basis": "exceedance_percent", "objective": "rtt", "limit": 10,
         "bands": [[0, 0], [10, 5], [50, 7]]}
    )  # fmt: skip

    def reasons(exact: Fraction | None) -> tuple[str, str]:
        answer = Past((), (contract,)).month(objectives=[[objective(exact)]])
        return answer.credit_percent, answer.credit_reason

    assert reasons(Fraction(11))[0] == "5"
    assert reasons(None) == ("0", "No credit: rtt was not measured.")


@pytest.mark.parametrize(
    ("prices", "charge"),
    [
        ([(None, "1000", "USD"), (MIDDLE, "3000", "USD")], "1500.00 USD"),  # 3 h and 1 h
        ([(None, "1000", "EUR"), (MIDDLE, "3000", "USD")], None),
        ([(MIDDLE, "3000", "USD")], None),
    ],
)
def test_outages_of_two_prices_are_charged_only_in_one_currency_and_if_both_are_known(
    prices: list[tuple[int | None, str, str]], charge: str | None
) -> None:
    known = tuple(Price(start=at, amount=many, currency=unit) for at, many, unit in prices)
    lost = [
        (MIDDLE - HOUR, MIDDLE + 3 * HOUR, DOWN), (MIDDLE + DAY, MIDDLE + DAY + HOUR, DOWN),
        (LAST, LAST + HOUR, DARK),
    ]  # fmt: skip

    answer = Past(lost, (giving(hourly(0)),), circuit={"prices": known}).month()

    assert answer.segments[1].charge == charge
    assert (answer.credit_amount is None) is (charge is None)


@pytest.mark.parametrize(
    ("prices", "currency", "amount", "said"),
    [
        ((), None, None, False),
        (DOLLARS["prices"], None, "100.00", False),
        (DOLLARS["prices"], "USD", "100.00", False),
        (DOLLARS["prices"], "EUR", None, True),
    ],
)
def test_until_when_a_credit_is_to_be_claimed_is_said_with_and_without_an_amount(
    prices: tuple[Price, ...], currency: str | None, amount: str | None, said: bool
) -> None:
    payout = PayoutTerms(claim_within_days=30, currency=currency)
    past = Past(
        [(FIRST, FIRST + HOUR, DOWN)], (giving(hourly(0), payout=payout),),
        circuit={"prices": prices},
    )  # fmt: skip

    answer = past.month()

    assert (answer.credit_percent, answer.credit_amount) == ("10", amount)
    assert answer.credit_claim_by_s == JULY + 30 * DAY
    assert ("the price is in USD, not EUR" in answer.credit_reason) is said
    mine = past.month(owns=HIS)
    assert mine.credit_claim_by_s == LAST + 30 * DAY


def test_each_part_gives_its_credit_by_its_share_and_its_own_price() -> None:
    prices = ((None, "1000"), (FIRST, "2000.5"), (LAST, "4000"))
    known = tuple(Price(start=at, amount=many, currency="USD") for at, many in prices)
    lost = [(FIRST + DAY, FIRST + DAY + 2 * HOUR, DOWN), (LAST + DAY, LAST + DAY + HOUR, DOWN)]

    answer = Past(lost, (giving(hourly(0)),), circuit={"prices": known}).month()

    # nothing, 20 % of a third of 2,000.50 and 10 % of a third of 4,000
    assert [one.credit_percent for one in answer.segments] == ["0", "20", "10"]
    assert [one.charge for one in answer.segments] == ["1000.00 USD", "2000.50 USD", "4000.00 USD"]
    assert (answer.credit_percent, answer.credit_amount) == ("10", "266.70")
    half_dollar = Past(lost, (giving(hourly(0)),), circuit={"prices": known[1:]}).month()
    assert half_dollar.credit_amount == "266.70", "no price is needed where nothing is given"


@pytest.mark.parametrize(
    ("least", "issued", "said"),
    [
        ("99.99", True, ""),
        ("100", False, " Not issued: 100.00 USD is not more than 100.00."),
        ("100.01", False, " Not issued: 100.00 USD is not more than 100.01."),
    ],
)
def test_a_credit_is_issued_that_is_more_than_the_minimum(
    least: str, issued: bool, said: str
) -> None:
    contract = giving(hourly(0), payout=PayoutTerms(minimum_amount=least))

    answer = Past([(FIRST, FIRST + HOUR, DOWN)], (contract,), circuit=DOLLARS).month()

    assert (answer.credit_amount, answer.credit_issued) == ("100.00", issued)
    assert (
        answer.credit_reason == f"10 %: 1 h 0 min 0 s down, 1 completed hours at 10 % each.{said}"
    )


def test_one_part_says_its_reason_alone_and_several_say_which_each_is_of() -> None:
    lost = [(FIRST, FIRST + HOUR, DOWN)]
    first = giving(hourly(0))
    second = replace(first, version=2, valid_from=MIDDLE)
    reason = "10 %: 1 h 0 min 0 s down, 1 completed hours at 10 % each."

    assert Past(lost, (first,)).month().credit_reason == reason
    assert Past(lost, (first, second)).month().credit_reason == (
        f"10 % for 1/2 of the period from 2026-06-01T00:00:00Z: {reason} 0 % for 1/2 of the "
        "period from 2026-06-16T00:00:00Z: 0 %: 0 s down, 0 completed hours at 10 % each."
    )


def test_a_part_of_which_nothing_was_measured_has_no_number_and_the_month_has() -> None:
    versions = (ONE, replace(ONE, version=2, valid_from=MIDDLE))
    more = [[objective(Fraction(1)), objective(Fraction(2), name="loss")]] * 2

    half = Past([(JUNE, MIDDLE, DARK)], versions).month(objectives=more)
    none = Past([(JUNE, JULY, DARK)], versions).month(objectives=more)
    only = Past([(JUNE, JULY, DARK)]).month()

    assert [one.availability for one in half.segments] == [None, "100.00000"]
    assert [one.actual for one in half.objectives] == ["100.00000", "1", "2"]
    assert [one.name for one in half.objectives] == ["availability", "rtt", "loss"]
    assert [one.actual for one in none.objectives] == [None, "1", "2"]
    assert (only.objectives[0].actual, only.segments[0].availability) == (None, None)


def test_a_part_shows_whose_it_was_in_its_own_seconds_only() -> None:
    owners = (Owner(customer="globex", start=MIDDLE), Owner(customer="acme", end=MIDDLE))
    past = Past((), (ONE, replace(ONE, version=2, valid_from=LAST)), circuit={"owners": owners})

    def shown(**more: Any) -> list[list[tuple[str, int, int]]]:
        return [
            [(one.customer_id, one.start_s, one.end_s) for one in segment.owners]
            for segment in past.month(**more).segments
        ]

    assert shown() == [
        [("acme", JUNE, MIDDLE), ("globex", MIDDLE, LAST)], [("globex", LAST, JULY)],
    ]  # fmt: skip
    assert shown(owns=HIS) == [[("acme", FIRST, MIDDLE), ("globex", MIDDLE, LAST)]]
    past = Past((), (ONE, replace(ONE, version=2, valid_from=MIDDLE)), circuit={"owners": owners})
    assert shown() == [[("acme", JUNE, MIDDLE)], [("globex", MIDDLE, JULY)]]
