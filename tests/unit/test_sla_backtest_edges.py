"""Months beside what they would be: which months and circuits, and every difference by hand."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from linksla.errors import UsageError
from linksla.inventory import Channel, Circuit
from sla.answers import MonthAnswer, Outcome, Seconds
from sla.backtest import backtest
from sla.contracts import Contract
from sla.queries import Queries
from sla.scope import AllCustomers
from tests.unit.past_bench import ONE, Past
from tests.unit.told_bench import circuit

ANSWER = replace(
    Past().month(), final=True, verdict=Outcome.MET, availability_contractual="99.50000",
    credit_percent="0",
)  # fmt: skip
PAID = replace(
    ANSWER, credit_percent="10", credit_amount="200.00", credit_currency="USD", credit_issued=True
)


@dataclass
class Book:
    """Answers by circuit and month; a month of which nothing is said has the usual one."""

    circuits: tuple[Circuit, ...] = (circuit(),)
    said: dict[tuple[str, str], MonthAnswer | None] = field(default_factory=dict)
    usual: MonthAnswer = ANSWER
    other: "Book | None" = None
    contracts: tuple[Contract, ...] = ()

    def circuit_ids(self, scope: AllCustomers) -> tuple[str, ...]:
        assert scope.commercial
        return tuple(one.id for one in self.circuits)

    def inventory_of(self, scope: AllCustomers, name: str) -> Circuit | None:
        assert scope.commercial
        return next((one for one in self.circuits if one.id == name), None)

    def month(self, scope: AllCustomers, name: str, month: str) -> MonthAnswer | None:
        assert scope.commercial
        found = self.said.get((name, month), self.usual)
        return found and replace(found, circuit_id=name, month=month)

    def under(self, versions: tuple[Contract, ...]) -> "Book":
        self.contracts = versions
        return self.other or self


def version(number: int, needed: int) -> Contract:
    terms = replace(ONE.availability, up_at_least=needed)
    return replace(ONE, version=number, availability=terms)


def asked(
    book: Book,
    first: str = "2026-06",
    last: str = "2026-06",
    *names: str,
    needs: tuple[int, ...] = (1,),
) -> dict[str, Any]:
    versions = tuple(version(number, needed) for number, needed in enumerate(needs, 1))
    return backtest(cast(Queries, book), versions, first, last, names)


def row(now: MonthAnswer, then: MonthAnswer) -> dict[str, Any]:
    (found,) = asked(Book(usual=now, other=Book(usual=then)))["circuits"]
    return found


def test_months_go_from_the_first_to_the_last_over_the_years_end() -> None:
    def months(first: str, last: str) -> list[str]:
        return [one["month"] for one in asked(Book(), first, last)["circuits"]]

    assert months("2024-11", "2025-02") == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert months("2025-12", "2025-12") == ["2025-12"]
    assert months("2023-12", "2025-01") == [
        "2023-12", *(f"2024-{number:02d}" for number in range(1, 13)), "2025-01"
    ]  # fmt: skip
    for first, last in (("2025-02", "2025-01"), ("2025-1", "2025-02"), ("2025-01", "2025-13")):
        with pytest.raises(UsageError):
            months(first, last)


def channels(count: int) -> tuple[Channel, ...]:
    return tuple(Channel(name=f"ch{number}") for number in range(count))


def test_a_circuit_with_fewer_channels_than_any_version_needs_is_skipped_alone() -> None:
    book = Book(tuple(circuit(name, channels=channels(n)) for name, n in (
        ("ONE", 1), ("TWO", 2), ("THREE", 3))))  # fmt: skip

    found = asked(book, needs=(1, 2, 1))

    assert [one["circuit_id"] for one in found["circuits"]] == ["TWO", "THREE"]
    assert found["skipped"] == [
        {"circuit_id": "ONE", "reason": "has 1 channels, the contract needs 2"}
    ]
    assert [one.version for one in book.contracts] == [1, 2, 3]


def test_only_circuits_that_are_named_are_asked() -> None:
    book = Book((circuit("A"), circuit("B")))

    assert [one["circuit_id"] for one in asked(book)["circuits"]] == ["A", "B"]
    assert [one["circuit_id"] for one in asked(book, "2026-06", "2026-06", "B")["circuits"]] == [
        "B"
    ]
    with pytest.raises(UsageError, match="there is no circuit 'X'"):
        asked(book, "2026-06", "2026-06", "X")


@pytest.mark.parametrize(("here", "there"), [(None, ANSWER), (ANSWER, None), (None, None)])
def test_a_month_that_has_no_answer_on_one_side_has_no_row(
    here: MonthAnswer | None, there: MonthAnswer | None
) -> None:
    book = Book(said={("C", "2026-06"): here}, other=Book(said={("C", "2026-06"): there}))

    found = asked(book, "2026-05", "2026-07")

    assert [one["month"] for one in found["circuits"]] == ["2026-05", "2026-07"]


def test_differences_are_the_other_contract_less_what_is() -> None:
    now = replace(ANSWER, seconds=Seconds(900, 100, 0, 0), credit_percent="10")
    then = replace(
        ANSWER, seconds=Seconds(970, 30, 0, 0), availability_contractual="99.25000",
        verdict=Outcome.BREACHED, credit_percent="2.5",
    )  # fmt: skip

    found = row(now, then)

    assert found["difference"] == {
        "down_seconds": -70, "availability": "-0.25000", "verdict_changes": True,
        "credit_percent": "-7.5", "credit": None,
    }  # fmt: skip
    assert row(now, now)["difference"]["verdict_changes"] is False


@pytest.mark.parametrize("unknown", ["now", "other"])
def test_what_is_not_known_on_one_side_has_no_difference(unknown: str) -> None:
    nothing = replace(ANSWER, availability_contractual=None)
    pair = (nothing, ANSWER) if unknown == "now" else (ANSWER, nothing)

    assert row(*pair)["difference"]["availability"] is None


def test_a_row_is_final_when_both_sides_are() -> None:
    open_month = replace(ANSWER, final=False)

    assert row(ANSWER, ANSWER)["final"] is True
    assert row(ANSWER, open_month)["final"] is False
    assert row(open_month, ANSWER)["final"] is False
    assert row(open_month, open_month)["final"] is False


def test_a_side_says_the_contract_of_the_months_end_and_what_it_comes_to() -> None:
    parts = tuple(replace(ANSWER.segments[0], contract_version=number) for number in (1, 2, 3))
    objective = replace(ANSWER.objectives[0], name="latency", verdict=Outcome.BREACHED)

    side = row(ANSWER, replace(PAID, segments=parts, objectives=(objective,)))["other"]

    assert side == {
        "contract": {"id": "c", "version": 3}, "availability": "99.50000", "down_seconds": 0,
        "verdict": "met", "objectives": {"latency": "breached"}, "credit_percent": "10",
        "credit_reason": PAID.credit_reason, "credit_amount": "200.00",
        "credit_currency": "USD", "credit_issued": True,
    }  # fmt: skip


NOT_ISSUED = replace(PAID, credit_issued=False)
EURO = replace(PAID, credit_currency="EUR")
UNPRICED = replace(ANSWER, credit_percent="10", credit_amount=None)


@pytest.mark.parametrize(
    ("now", "then", "money"),
    [
        (PAID, replace(PAID, credit_amount="350.50"), {"amount": "150.50", "currency": "USD"}),
        (PAID, ANSWER, {"amount": "-200.00", "currency": "USD"}),
        (ANSWER, PAID, {"amount": "200.00", "currency": "USD"}),
        (ANSWER, EURO, {"amount": "200.00", "currency": "EUR"}),
        (PAID, NOT_ISSUED, {"amount": "-200.00", "currency": "USD"}),
        (NOT_ISSUED, NOT_ISSUED, {"amount": "0", "currency": "USD"}),
        (ANSWER, ANSWER, {"amount": "0", "currency": ""}),
        (PAID, EURO, None),
        (UNPRICED, PAID, None),
        (PAID, UNPRICED, None),
        (UNPRICED, UNPRICED, None),
    ],
)
def test_money_is_what_would_be_paid_less_what_is(
    now: MonthAnswer, then: MonthAnswer, money: dict[str, str] | None
) -> None:
    assert row(now, then)["difference"]["credit"] == money


def test_totals_are_the_differences_of_each_currency_by_its_name() -> None:
    answers = (
        ("2026-01", replace(PAID, credit_amount="10.25")),
        ("2026-02", replace(EURO, credit_amount="7.00")),
        ("2026-03", replace(PAID, credit_amount="0.75")),
        ("2026-04", UNPRICED),
        ("2026-05", ANSWER),
    )
    other = Book(said={("C", month): answer for month, answer in answers})

    totals = asked(Book(other=other), "2026-01", "2026-05")["totals"]

    assert list(totals.items()) == [("EUR", "7.00"), ("USD", "11.00")]
    assert asked(Book())["totals"] == {}
    assert asked(Book(other=Book(usual=PAID)))["totals"] == {"USD": "200.00"}
