"""When an allowance burns and is calm again: each rule's windows, to the second.

2 % of the allowance in an hour, 5 % in six, 10 % in a day, 10 % in three days, and a twelfth of it
in a twelfth of the time; calm once the short window holds no more than half of that.
"""

from fractions import Fraction

import pytest

from sla.budgets import balance_seconds, burning_after, calm_after
from sla.judged import JudgedRun
from tests.unit.past_bench import DAY, HOUR
from tests.unit.past_bench import runs_of as runs

MONTH = 30 * DAY
WHOLE = Fraction(2_592)  # 99.9 % of it: 51.84, 129.6, 259.2 and 259.2; a twelfth 4.32, 10.8, 21.6


def told(text: str) -> tuple[tuple[JudgedRun, ...], int]:
    found = runs(text)
    return found, found[-1].end_s


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("U400000", 51 + 1),
        ("U400000 D40", 51 - 40 + 1), ("U400000 D51", 1), ("U400000 D52", None),
        ("U400000 D40 U290", 51 - 40 + 1),  # the last 10 s of it are in the short window
        ("U400000 D49 U300", 4 + 1), ("U400000 D49 U296", 51 - 49 + 1),
        ("U400000 D100 U3550", 4 + 1),  # 4.32 s in 5 min are still missing
        ("U400000 D100 U3600", 129 - 100 + 1), ("U400000 D129 U4000", 10 + 1),
        ("U400000 D130 U4000", 10 + 1), ("U400000 D250 U21600", 21 + 1),
        ("U400000 D254 U86400", 21 + 1), ("U400000 D200 U259200", 51 + 1),
        ("U400000 M3000", 51 + 1),  # what is not measured burns nothing
        ("U400000 E100 D40", 51 - 40 + 1),
    ],
)  # fmt: skip
def test_so_much_more_is_down_before_a_rule_burns(text: str, after: int | None) -> None:
    found, now = told(text)

    assert burning_after(found, 0, now, MONTH, WHOLE) == after


def test_an_allowance_that_is_no_whole_number_burns_beyond_its_part() -> None:
    found, now = told("U400000")

    assert burning_after(found, 0, now, MONTH, Fraction(5_199, 2)) == 51 + 1  # 51.99
    assert burning_after(found, 0, now, MONTH, Fraction(2_600)) == 52 + 1
    assert burning_after(found, 0, now, MONTH, Fraction(0)) == 1
    few, now = told("U400000 D3")
    assert calm_after(few, 0, now, MONTH, Fraction(5_199, 2)) == 300 - 2  # half of 4.33 s


def test_time_before_the_month_burns_nothing_of_it() -> None:
    found, now = told("U400000 D40 U1000")
    began = now - 1_000

    assert burning_after(found, began, now, began + MONTH, WHOLE) == 51 + 1
    assert burning_after(found, began - 10, now, began + MONTH, WHOLE) == 51 - 10 + 1
    assert calm_after(found, began, now, began + MONTH, WHOLE) == 1
    assert calm_after(found, began - 12, now, began + MONTH, WHOLE) == 6 * HOUR - 1_000 - 10


def test_windows_longer_than_the_month_are_left_out() -> None:
    found, now = told("U400000 D4 U7200")
    began = now - 3 * HOUR
    allowance = Fraction(100)  # 2 s in an hour, 5 in six; a twelfth of each is below a second

    assert burning_after(found, began, now, began + 4 * HOUR, allowance) == 2 + 1
    assert burning_after(found, began, now, began + 6 * HOUR, allowance) == 5 - 4 + 1
    assert calm_after(found, began, now, began + 4 * HOUR, allowance) == 1
    assert calm_after(found, now - DAY, now, began + 3 * DAY, allowance) == 6 * HOUR - 7_200
    # no rule fits into half an hour: then nothing burns before its end
    assert burning_after(found, now - 600, now, now + 1_200, allowance) == 1_200
    assert calm_after(found, now - 600, now, now + 1_200, allowance) == 1


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("U400000", 1), ("U400000 D2", 1), ("U400000 D3", 300 - 2), ("U400000 D5", 300 - 2),
        ("U400000 D6", 1_800 - 5), ("U400000 D10", 1_800 - 5), ("U400000 D11", 6 * HOUR - 10),
        ("U400000 D40 U600", 6 * HOUR - 600 - 10), ("U400000 D9 U600", 1_800 - 600 - 5),
        ("U400000 D3 U297", 1), ("U400000 D4 U297", 1), ("U400000 D4 U296", 2),
        ("U400000 M5", 300 - 2),  # it may have been down
        ("U400000 D2 M3", 300 - 2), ("U400000 D11 U21600", 1),
    ],
)  # fmt: skip
def test_rules_are_calm_when_no_short_window_holds_half_of_what_it_may(
    text: str, after: int
) -> None:
    found, now = told(text)

    assert calm_after(found, 0, now, MONTH, WHOLE) == after


def test_an_allowance_of_nothing_is_calm_when_nothing_is_in_any_window() -> None:
    found, now = told("U400000 D3 U100")

    assert calm_after(found, 0, now, MONTH, Fraction(0)) == 6 * HOUR - 100


@pytest.mark.parametrize(
    ("allowance", "down", "left"),
    [(Fraction(5, 2), 2, 0), (Fraction(5, 2), 3, -1), (Fraction(2), 2, 0), (7, 0, 7), (7, 9, -2)],
)
def test_what_is_left_is_whole_seconds(allowance: Fraction | int, down: int, left: int) -> None:
    assert balance_seconds(allowance, down) == left
