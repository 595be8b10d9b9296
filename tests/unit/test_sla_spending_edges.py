"""A budget in words and as the API prints it: which number stands where."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sla.answers import Outcome
from sla.budget_answers import Budget, Burn, Forecast, Range
from sla.spending import (
    budget_json,
    burn_words,
    forecast_outcome,
    forecast_words,
    left_words,
    length,
    line,
    month_left_words,
    rate,
)
from tests.unit.past_bench import DAY, DOWN, HOUR, JUNE, MIDDLE, Past


def ahead(past: Range | None, counted: int = 1_000, down: int = 10) -> Forecast:
    return Forecast(12 * DAY, 5 * DAY, counted, down, lambda: past)


def budget(past: Range | None = None, over: int = 0, **more: Any) -> Budget:
    return Budget(267, 33, over, (), ahead(past, **more))


SOME = Range(0, 5, 900, 11, 6)


def test_what_is_left_or_too_much_is_said_in_words() -> None:
    assert left_words(Budget(267, 267, 0)) == "4 min 27 s left"
    assert left_words(Budget(267, 0, 0)) == "0 s left"
    assert left_words(Budget(267, 0, 33)) == "33 s too much"
    answer = Past([(JUNE, JUNE + 92, DOWN)]).month()
    assert month_left_words(answer) == "41 min 40 s left"  # 2592 s are allowed
    assert month_left_words(replace(answer, budget=None)) == "41 min 40 s left"
    breached = Past([(JUNE, JUNE + 2_600, DOWN)]).month()
    assert month_left_words(breached) == "8 s too much"


@pytest.mark.parametrize(
    ("met", "outcome", "words"),
    [
        (11, Outcome.MET, "11 of 11"), (10, Outcome.AT_RISK, "10 of 11"),
        (1, Outcome.AT_RISK, "1 of 11"), (0, Outcome.BREACHED, "0 of 11"),
    ],
)  # fmt: skip
def test_past_stretches_say_how_the_month_may_end(met: int, outcome: Outcome, words: str) -> None:
    known = budget(Range(0, 5, 900, 11, met))

    assert forecast_outcome(known) is outcome
    assert forecast_words(known) == (
        "Availability is met unless more than 33 s more are down. Were the 12 d to come like the "
        f"past, it would be met in {words} cases: stretches of that length had 0 s to 15 min 0 s "
        "down, 5 s in the middle."
    )


def test_stretches_that_are_all_alike_are_said_so() -> None:
    assert forecast_words(budget(Range(7, 7, 7, 8, 8))).endswith("had 7 s down each.")
    assert "7 s to 8 s" in forecast_words(budget(Range(7, 7, 8, 8, 8)))


def test_without_enough_of_the_past_nothing_is_foretold() -> None:
    assert forecast_outcome(budget()) is None
    assert forecast_words(budget()) == (
        "Availability is met unless more than 33 s more are down. No forecast: 5 d of the "
        "circuit's past are too few to compare with the 12 d to come."
    )


def test_what_is_overspent_is_breached_and_a_month_that_is_over_has_no_forecast() -> None:
    assert forecast_outcome(budget(SOME, over=70)) is Outcome.BREACHED
    assert forecast_words(budget(SOME, over=70)) == (
        "Breached whatever comes: 1 min 10 s more were down than the target allows."
    )
    assert forecast_outcome(Budget(267, 33, 0)) is None
    assert forecast_words(Budget(267, 33, 0)) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (10 * DAY, "10 d"), (6 * HOUR, "6 h"), (5_400, "1 h 30 min"), (0, "0 s"), (60, "1 min"),
        (61, "1 min 1 s"), (DAY + 60, "1 d 0 h 1 min"), (DAY + 10, "1 d 0 h 0 min 10 s"),
        (36_000, "10 h"), (600, "10 min"), (20, "20 s"), (DAY + HOUR, "1 d 1 h"),
    ],
)  # fmt: skip
def test_a_length_has_no_zeros_at_its_end(seconds: int, said: str) -> None:
    assert length(seconds) == said


def test_a_rate_is_rounded_up_and_the_line_down() -> None:
    assert [rate(one) for one in (None, Fraction(1, 3), Fraction(5, 2), Fraction(0))] == [
        "infinitely many", "0.34", "2.50", "0.00",
    ]  # fmt: skip
    assert [line(one) for one in (Fraction(2, 3), Fraction(5, 2))] == ["0.66", "2.50"]
    burn = Burn(HOUR, 300, Fraction(2, 3), Fraction(1, 3), None, burning=True, calm=False)
    assert burn_words(burn) == (
        "the allowance goes 0.34 times as fast as the month allows over 1 h and infinitely many "
        "times over 5 min; the line is 0.66"
    )


def test_the_api_has_what_is_left_the_rules_and_the_ends() -> None:
    burn = Burn(HOUR, 300, Fraction(2, 3), Fraction(1, 3), None, burning=True, calm=False)
    still = Burn(6 * HOUR, 1_800, Fraction(1), None, Fraction(1), burning=False, calm=True)
    known = Budget(267, 33, 0, (burn, still), ahead(SOME))

    assert budget_json(known) == {
        "allowed_seconds": 267, "left_seconds": 33, "overspent_seconds": 0,
        "burn": [
            {"long_seconds": HOUR, "short_seconds": 300, "factor": "0.66", "long_rate": "0.34",
             "short_rate": None, "burning": True},
            {"long_seconds": 6 * HOUR, "short_seconds": 1_800, "factor": "1.00", "long_rate": None,
             "short_rate": "1.00", "burning": False},
        ],
        "forecast": {
            "verdict": "at_risk", "reason": forecast_words(known), "rest_seconds": 12 * DAY,
            "further_down_seconds": {"low": 0, "middle": 5, "high": 900},
            # 10 s are down so far, of 1000 that count
            "availability": {"low": "99.00000", "middle": "98.50000", "high": "9.00000"},
            "stretches": 11, "stretches_met": 6,
        },
    }  # fmt: skip
    assert budget_json(Budget(267, 0, 4)) == {
        "allowed_seconds": 267, "left_seconds": 0, "overspent_seconds": 4,
    }  # fmt: skip
    unknown = budget_json(budget())["forecast"]
    assert unknown == {
        "verdict": None, "reason": forecast_words(budget()), "rest_seconds": 12 * DAY,
    }  # fmt: skip


def test_no_more_is_lost_than_there_is() -> None:
    def ends(counted: int, down: int) -> object:
        known: Any = budget_json(budget(Range(0, 5, 20, 9, 9), counted=counted, down=down))
        return known["forecast"]["availability"]

    assert ends(30, 11) == {"low": "63.33333", "middle": "46.66666", "high": "0.00000"}
    assert ends(0, 0) == {"low": None, "middle": None, "high": None}


def test_an_open_month_tells_its_past_only_when_asked() -> None:
    answer = Past([(JUNE, JUNE + 40, DOWN)], complete=MIDDLE).month()

    assert answer.budget is not None
    assert budget_json(answer.budget)["left_seconds"] == 2_592 - 40


def test_the_fastest_rule_that_holds_is_the_first_of_them() -> None:
    burn = Burn(HOUR, 300, Fraction(2, 3), Fraction(1, 3), None, burning=True, calm=False)
    slower, still = replace(burn, long_seconds=2 * HOUR), replace(burn, burning=False)

    assert Budget(1, 1, 0, (still, burn, slower)).burning is burn
    assert Budget(1, 1, 0, (still,)).burning is None


def test_forecasts_that_say_the_same_are_equal() -> None:
    assert ahead(SOME) == ahead(None), "the past is looked up when somebody reads it"
    assert ahead(SOME, down=11) != ahead(SOME)
