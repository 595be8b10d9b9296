"""Past stretches in place of what is to come: which are taken, and what each lost to a second."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sla.budget_answers import Forecast
from sla.contracts import Contract
from sla.forecast import past_stretches, spread
from sla.judged import JudgedRun
from sla.periods import Ownership
from tests.unit.past_bench import DARK, DAY, DOWN, HOUR, JULY, JUNE, MIDDLE, ONE, OUT, Past

TARGET = replace(ONE.availability, target_percent="99.99")  # 259 s of June


def ahead(lost: Any = (), contract: Contract = ONE, owns: Any = None, **more: Any) -> Forecast:
    budget = Past(lost, (contract,), **({"complete": MIDDLE} | more)).month(owns=owns).budget
    assert budget is not None
    assert budget.forecast is not None
    return budget.forecast


def test_the_past_is_known_from_the_latest_of_400_days_its_beginning_and_the_ownership() -> None:
    mine = [Ownership("acme", JUNE + DAY, JULY + DAY)]

    assert ahead(begins=MIDDLE - 500 * DAY).known_seconds == 400 * DAY
    assert ahead(begins=MIDDLE - 400 * DAY - 1).known_seconds == 400 * DAY
    assert ahead(begins=JUNE - 10 * DAY).known_seconds == 25 * DAY
    assert ahead(begins=JUNE - 10 * DAY, owns=mine).known_seconds == 14 * DAY


@pytest.mark.parametrize(
    ("denominator", "counted"), [("measured", 30 * DAY - 30), ("whole_period", 30 * DAY)]
)
def test_what_is_to_come_counts_as_measured(denominator: str, counted: int) -> None:
    lost = [(JUNE, JUNE + 10, DARK), (JUNE + 10, JUNE + 30, OUT), (JUNE + 30, JUNE + 70, DOWN)]
    terms = replace(ONE.availability, denominator=denominator)

    found = ahead(lost, replace(ONE, availability=terms))

    assert (found.rest_seconds, found.counted_seconds, found.down_seconds) == (
        15 * DAY, counted, 40,
    )  # fmt: skip


def test_eight_stretches_make_a_range_and_seven_do_not() -> None:
    now = JULY - 2 * DAY

    eight, seven = (ahead(complete=now, begins=now - 9 * DAY + late).past for late in (0, 1))

    assert eight is not None
    assert (eight.stretches, eight.met) == (8, 8)
    assert seven is None


@pytest.mark.parametrize("down", [0, 100, 129, 130, 159, 160, 259, 260])
def test_a_stretch_is_met_that_loses_no_more_than_is_left(down: int) -> None:
    now, before = JULY - 2 * DAY, JUNE - 20 * DAY
    lost = [(before, before + 100, DOWN), (JUNE + DAY, JUNE + DAY + down, DOWN)]
    contract = replace(ONE, availability=TARGET)

    past = ahead(lost, contract, complete=now, begins=JUNE - 30 * DAY).past

    assert past is not None
    # two days long, each day: those that hold the hundred seconds, those that hold June's, others
    left = 259 - down
    worst = [100, 100] + [down, down] + [0] * (past.stretches - 4)
    assert past.stretches == 57
    assert past.met == (sum(one <= left for one in worst) if left >= 0 else 0)
    assert (past.low, past.middle, past.high) == (0, 0, max(100, down))


def test_a_month_that_is_breached_is_met_in_no_case() -> None:
    now = JULY - 2 * DAY

    past = ahead([(JUNE, JUNE + DAY, DOWN), (MIDDLE, MIDDLE + 1, DOWN)], complete=now).past

    assert past is not None
    assert (past.low, past.met) == (0, 0)


def test_a_stretch_counts_of_which_the_contracts_share_was_measured_to_the_second() -> None:
    now = JULY - 2 * DAY

    def stretches(least: str, dark: int) -> int:
        terms = replace(ONE.availability, coverage_percent_min=Fraction(least))
        lost = [(MIDDLE, MIDDLE + dark, DARK)]
        past = ahead(lost, replace(ONE, availability=terms), complete=now, begins=JUNE).past
        assert past is not None
        return past.stretches

    # 27 stretches of two days, two of which hold what is dark: 4.5 % of them are 7776 s
    assert [stretches("95.5", dark) for dark in (7_775, 7_776, 7_777)] == [27, 27, 25]
    assert [stretches("95", dark) for dark in (8_640, 8_641)] == [27, 25]
    assert [stretches("99.999", dark) for dark in (1, 2)] == [27, 25]  # 1.728 s
    assert [stretches("100", dark) for dark in (0, 1)] == [27, 25]


def stretches(
    *lost: tuple[int, int, Any], start: int = 0, end: int = 5 * DAY, least: int = 50
) -> list[int]:
    runs = [JudgedRun(lower, upper, bucket, bucket, bad=False) for lower, upper, bucket in lost]
    found = past_stretches(runs, start, end, 2 * DAY, coverage_percent_min=Fraction(least))
    return list(found)


NOON = 12 * HOUR


@pytest.mark.parametrize(
    ("lost", "more", "found"),
    [
        ([], {}, [0, 0, 0, 0]),  # ends on day 5, 4, 3, 2
        ([], {"start": 1}, [0, 0, 0]),
        ([], {"start": DAY}, [0, 0, 0]),
        ([], {"end": 5 * DAY - 1}, [0, 0, 0]),
        ([], {"end": 2 * DAY}, [0]),
        ([], {"end": 2 * DAY - 1}, []),
        ([(0, 10, DOWN)], {}, [0, 0, 0, 10]),
        ([(5 * DAY - 7, 5 * DAY, DOWN)], {}, [7, 0, 0, 0]),
        ([(5 * DAY - 7, 5 * DAY + 50, DOWN)], {}, [7, 0, 0, 0]),
        ([(-90, -50, DOWN), (-20, 3, DOWN), (DAY, DAY + 5, DOWN)], {}, [0, 0, 5, 8]),
        ([(-20, 0, DOWN), (DAY, DAY + 5, DOWN), (5 * DAY, 6 * DAY, DOWN)], {}, [0, 0, 5, 5]),
        ([(3 * DAY - 4, 3 * DAY + 9, DOWN)], {}, [9, 13, 4, 0]),
        ([(DAY, DAY + 6, DOWN), (DAY + 6, DAY + 9, DOWN)], {}, [0, 0, 9, 9]),
        ([(0, NOON, OUT), (NOON, NOON + 1, DOWN), (NOON + 1, DAY, OUT)], {}, [0, 0, 0, 1]),
        ([(0, DAY, DARK), (DAY, DAY + 1, DOWN)], {}, [0, 0, 1, 1]),
        ([(0, DAY + 1, DARK), (DAY + 1, DAY + 4, DOWN)], {}, [0, 0, 3]),
        ([(3 * DAY, 4 * DAY, DARK), (4 * DAY, 4 * DAY + 8, DOWN)], {}, [8, 0, 0, 0]),
        ([(3 * DAY, 4 * DAY + 1, DARK), (4 * DAY + 1, 4 * DAY + 9, DOWN)], {}, [0, 0, 0]),
        ([(DAY, DAY + 1, DARK)], {"least": 100}, [0, 0]),
    ],
)  # fmt: skip
def test_a_stretch_ends_whole_days_before_now_and_lies_in_the_past(
    lost: list[tuple[int, int, Any]], more: dict[str, int], found: list[int]
) -> None:
    assert stretches(*lost, **more) == found


@pytest.mark.parametrize(
    ("lost", "left", "low", "middle", "high", "met"),
    [
        ([5], 4, 5, 5, 5, 0), ([5], 5, 5, 5, 5, 1), ([9, 1], 1, 1, 1, 9, 1),
        ([3, 1, 2], 2, 1, 2, 3, 2), ([4, 3, 1, 2], 9, 1, 2, 4, 4), ([2, 2, 2, 7, 0], 2, 0, 2, 7, 4),
        ([0, 1], -1, 0, 0, 1, 0), ([5, 4, 3, 2, 1, 0], 0, 0, 2, 5, 1),
    ],
)  # fmt: skip
def test_a_range_has_its_nearest_rank_in_the_middle(
    lost: list[int], left: int, low: int, middle: int, high: int, met: int
) -> None:
    found = spread(lost, left)

    assert (found.low, found.middle, found.high) == (low, middle, high)
    assert (found.stretches, found.met) == (len(lost), met)
