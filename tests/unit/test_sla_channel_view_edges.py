"""A channel's part of a month, and when redundancy is lost, to the second."""

import pytest

from sla.answers import Bucket, Seconds, Span
from sla.channel_view import _down, _month, _together, _while_up
from sla.judged import JudgedRun
from tests.unit.past_bench import ONE, runs_of


@pytest.mark.parametrize(
    ("start", "end", "outages"),
    [(0, 30, 0), (0, 31, 1), (10, 41, 2), (35, 40, 0), (35, 60, 1), (34, 41, 2), (45, 60, 1),
     (49, 60, 1), (50, 60, 0)],
)  # fmt: skip
def test_outages_of_a_channel_are_those_that_touch_its_part(
    start: int, end: int, outages: int
) -> None:
    runs = runs_of("U30 D5 U5 D10 U50")

    assert _month(ONE, "ch1", runs, start, end).outages == outages


def test_an_outage_that_goes_on_touches_all_that_follows_it() -> None:
    runs = runs_of("U30 D5")

    assert [_month(ONE, "ch1", runs, lower, 90).outages for lower in (0, 35, 80)] == [1, 1, 1]
    assert _month(ONE, "ch1", runs, 0, 30).outages == 0


def test_a_channel_has_its_seconds_and_both_availabilities() -> None:
    found = _month(ONE, "ch1", runs_of("U30 D10 E20 M5 U35"), 10, 90)

    assert found.seconds == Seconds(20 + 25, 10, 20, 5)
    assert found.as_experienced == Seconds(20 + 25, 30, 0, 5)
    assert (found.start_s, found.end_s, found.outages) == (10, 90, 1)
    assert found.availability_contractual == "81.81818"  # 45 of 55
    assert found.availability_as_experienced == "60.00000"  # 45 of 75
    silent = _month(ONE, "ch1", runs_of("M50"), 0, 50)
    assert (silent.availability_contractual, silent.availability_as_experienced) == (None, None)
    taken_out = _month(ONE, "ch1", runs_of("E50"), 0, 50)
    assert taken_out.availability_contractual is None
    assert taken_out.availability_as_experienced == "0.00000"


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (0, 90, [(30, 35), (45, 55)]), (32, 50, [(32, 35), (45, 50)]), (35, 45, []),
        (34, 46, [(34, 35), (45, 46)]), (0, 30, []), (55, 90, []),
    ],
)  # fmt: skip
def test_what_is_down_is_cut_to_the_part_and_what_is_excluded_is_left_out(
    start: int, end: int, found: list[tuple[int, int]]
) -> None:
    runs = runs_of("U30 D5 E5 U5 D10 M35")

    assert [(one.start_s, one.end_s) for one in _down(runs, start, end)] == found


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([], []), ([(1, 3)], [(1, 3)]), ([(4, 6), (1, 3)], [(1, 3), (4, 6)]),
        ([(1, 3), (3, 5)], [(1, 5)]), ([(1, 9), (2, 4), (9, 10)], [(1, 10)]),
        ([(1, 3), (1, 2), (2, 5), (7, 8)], [(1, 5), (7, 8)]),
    ],
)  # fmt: skip
def test_time_that_any_channel_is_down_is_told_once(
    spans: list[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    assert [(one.start_s, one.end_s) for one in _together([Span(*one) for one in spans])] == found


@pytest.mark.parametrize(
    ("text", "spans", "found"),
    [
        ("U100", [(10, 20), (30, 40)], [(10, 20), (30, 40)]),
        ("U15 D10 U75", [(10, 20), (24, 40)], [(10, 15), (25, 40)]),
        ("U15 D10 U75", [(10, 40)], [(10, 15), (25, 40)]),
        ("U15 D10 U75", [(15, 25)], []),
        ("U15 E10 M5 U70", [(10, 40)], [(10, 15), (30, 40)]),
        ("U15 U10 D75", [(10, 20), (25, 30)], [(10, 20)]),
        ("D10 U10 D10 U10", [(0, 10), (12, 14), (16, 33), (39, 50)],
         [(12, 14), (16, 20), (30, 33), (39, 40)]),
        ("U10 U10 U10", [(0, 10), (20, 30)], [(0, 10), (20, 30)]),
        ("U10 U10 D5", [(10, 20)], [(10, 20)]),
        ("U50", [], []),
    ],
)  # fmt: skip
def test_redundancy_is_lost_while_the_circuit_is_up(
    text: str, spans: list[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    lost = _while_up(runs_of(text), [Span(*one) for one in spans])

    assert [(one.start_s, one.end_s) for one in lost] == found


def test_what_is_bad_and_not_down_is_still_up() -> None:
    runs = (JudgedRun(0, 50, Bucket.UP, Bucket.UP, bad=True),)

    assert _while_up(runs, [Span(10, 20)]) == (Span(10, 20),)
    assert _down(runs, 0, 50) == []
