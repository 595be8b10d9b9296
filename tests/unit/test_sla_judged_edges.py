"""Runs in buckets are cut to a range, and those before it are left out, to the second."""

import pytest

from sla.answers import Bucket
from sla.boundaries import State
from sla.exclusions import Excluded
from sla.judged import JudgedRun, in_buckets, since
from sla.runs import AvailabilityRun

RUNS = (
    AvailabilityRun(0, 100, State.GOOD, Bucket.UP),
    AvailabilityRun(100, 130, State.BAD, Bucket.UP),  # bad for less than n cells
    AvailabilityRun(130, 190, State.BAD, Bucket.DOWN),
    AvailabilityRun(190, 200, State.UNKNOWN, Bucket.UNMEASURED),
)
JUDGED = in_buckets(RUNS, (), 0, 200)
FAR_AWAY = (Excluded(900, 950, "W"),)  # the way with windows comes to the same


def test_runs_that_end_after_an_instant_are_those_of_a_later_month() -> None:
    for instant, first in ((-1, 0), (0, 0), (99, 0), (100, 1), (101, 1), (189, 2), (190, 3)):
        assert since(JUDGED, instant) == JUDGED[first:]
    assert since(JUDGED, 200) == ()
    assert since((), 5) == ()


@pytest.mark.parametrize("excluded", [(), FAR_AWAY])
@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (
            0,
            200,
            [
                JudgedRun(0, 100, Bucket.UP, Bucket.UP, bad=False),
                JudgedRun(100, 130, Bucket.UP, Bucket.UP, bad=True),
                JudgedRun(130, 190, Bucket.DOWN, Bucket.DOWN, bad=True),
                JudgedRun(190, 200, Bucket.UNMEASURED, Bucket.UNMEASURED, bad=False),
            ],
        ),
        (
            100,
            131,
            [
                JudgedRun(100, 130, Bucket.UP, Bucket.UP, bad=True),
                JudgedRun(130, 131, Bucket.DOWN, Bucket.DOWN, bad=True),
            ],
        ),
        (
            99,
            130,
            [
                JudgedRun(99, 100, Bucket.UP, Bucket.UP, bad=False),
                JudgedRun(100, 130, Bucket.UP, Bucket.UP, bad=True),
            ],
        ),
        (140, 150, [JudgedRun(140, 150, Bucket.DOWN, Bucket.DOWN, bad=True)]),
        (140, 140, []),
        (150, 140, []),
        (200, 300, []),
        (-10, 0, []),
    ],
)
def test_runs_are_cut_to_a_range_and_none_of_them_is_empty(
    excluded: tuple[Excluded, ...], start: int, end: int, found: list[JudgedRun]
) -> None:
    assert list(in_buckets(RUNS, excluded, start, end)) == found
