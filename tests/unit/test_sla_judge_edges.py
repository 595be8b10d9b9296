"""Seconds of a range by bucket, what may be down in it, and when the outcome is another."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sla.answers import Bucket, Seconds
from sla.contracts import AvailabilityTerms
from sla.judge import Scenario, contractual_seconds, tally
from sla.judged import JudgedRun

DOWN, UP, OUT, DARK = Bucket.DOWN, Bucket.UP, Bucket.EXCLUDED, Bucket.UNMEASURED
RUNS = [
    JudgedRun(0, 100, DOWN, DOWN, bad=True),
    JudgedRun(100, 130, UP, UP, bad=True),
    JudgedRun(130, 137, OUT, DOWN, bad=True),
    JudgedRun(137, 150, UP, UP, bad=False),
    JudgedRun(150, 155, DOWN, DOWN, bad=True),
    JudgedRun(155, 157, DARK, DARK, bad=False),
]


def terms(target: Any = 90, **more: Any) -> AvailabilityTerms:
    return AvailabilityTerms(
        **({"target_percent": target, "up_at_least": 1, "consecutive": 1} | more)
    )


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        (110, 160, Seconds(20 + 13, 5, 7, 2 + 3)),
        (0, 157, Seconds(30 + 13, 100 + 5, 7, 2)),
        (99, 101, Seconds(1, 1, 0, 0)),
        (100, 130, Seconds(30, 0, 0, 0)),
        (129, 138, Seconds(1 + 1, 0, 7, 0)),
        (-10, 1, Seconds(0, 1, 0, 10)),
        (157, 160, Seconds(0, 0, 0, 3)),
        (110, 110, Seconds(0, 0, 0, 0)),  # inside a run, and yet nothing of it
        (100, 100, Seconds(0, 0, 0, 0)),
    ],
)
def test_a_range_has_the_seconds_that_lie_in_it(start: int, end: int, seconds: Seconds) -> None:
    assert contractual_seconds(RUNS, start, end) == seconds
    assert tally(RUNS, start, end).contractual == seconds


@pytest.mark.parametrize(
    ("start", "end", "experienced", "bad"),
    [
        (110, 160, Seconds(20 + 13, 7 + 5, 0, 2 + 3), 20),
        (136, 140, Seconds(3, 1, 0, 0), 0),
        (110, 110, Seconds(0, 0, 0, 0), 0),
    ],
)
def test_as_experienced_nothing_is_excluded(
    start: int, end: int, experienced: Seconds, bad: int
) -> None:
    found = tally(RUNS, start, end)

    assert (found.as_experienced, found.bad_but_not_down) == (experienced, bad)


@pytest.mark.parametrize(
    ("target", "of", "allowed"),
    [
        ("90", "measured", Fraction(10 + 5 + 985, 10)), ("100", "measured", Fraction(0)),
        ("99.95", "measured", Fraction(1, 2)), ("90", "whole_period", Fraction(1_100, 10)),
    ],
)  # fmt: skip
def test_the_allowance_is_a_share_of_what_counts_and_what_is_to_come(
    target: str, of: Any, allowed: Fraction
) -> None:
    now = Scenario(Seconds(10, 5, 60, 40), 985)

    assert now.allowed(terms(target, denominator=of)) == allowed


@pytest.mark.parametrize(
    ("down", "rest", "after"),
    [
        # 100 s of 1000 are allowed; beyond 75 the open month is at risk, beyond 100 it is breached
        (0, 900, 76), (74, 500, 2), (75, 500, 1), (76, 500, 25), (99, 500, 2), (100, 500, 1),
        (101, 500, None), (500, 500, None),
    ],
)  # fmt: skip
def test_an_outcome_is_worse_once_a_second_more_is_down_than_its_line(
    down: int, rest: int, after: int | None
) -> None:
    assert Scenario(Seconds(1_000 - rest - down, down, 0, 0), rest).worse_after(terms()) == after


@pytest.mark.parametrize(
    ("target", "counted", "after"),
    [
        ("90", 1_005, 75 + 1),  # 100.5 s are allowed, three quarters are 75.375
        ("99.9", 1_000, 0 + 1),
        ("99", 399, 2 + 1),  # 2.9925
        ("99", 400, 3 + 1),
        ("100", 400, 0 + 1),
    ],
)
def test_a_line_that_is_no_whole_second_is_crossed_by_the_next(
    target: str, counted: int, after: int
) -> None:
    assert Scenario(Seconds(counted - 1, 0, 0, 0), 1).worse_after(terms(target)) == after


def test_what_is_at_risk_is_breached_beyond_the_whole_seconds_of_its_allowance() -> None:
    at_risk = Scenario(Seconds(1_500, 2, 0, 0), 900)

    assert at_risk.worse_after(terms("99.9")) == 1  # 2.402 s are allowed, 2 are down


@pytest.mark.parametrize(
    ("up", "down", "excluded", "unmeasured", "least", "after"),
    [
        (94, 0, 0, 6, "95", 20),  # 114 of 120
        (90, 4, 0, 6, "95", 20),  # down is measured, too
        (90, 4, 50, 6, "95", 20),  # excluded does not count
        (94, 0, 0, 6, "99.9", 5_900),  # 5,994 of 6,000
        (0, 0, 0, 7, "50", 7),
        (0, 0, 0, 7, "95", 133),
        (0, 0, 9, 0, "95", 1),  # nothing counts yet
        (99, 0, 0, 1, "95", 1),  # enough already
        (99, 0, 0, 1, "100", None),
    ],
)  # fmt: skip
def test_enough_is_measured_after_so_many_seconds(
    up: int, down: int, excluded: int, unmeasured: int, least: str, after: int | None
) -> None:
    asked = replace(terms(), coverage_percent_min=Fraction(least))

    assert Scenario(Seconds(up, down, excluded, unmeasured), 9).assessable_after(asked) == after
