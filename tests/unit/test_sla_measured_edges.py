"""Bins, groups, ranks and sums of rows of measurements, each to the second and to the rank."""

import math

import numpy as np
import pytest

from processors.buckets import bucket_middle_us
from sla import measured
from sla.measured import Bins, Buckets, Lines, Sums, counted, grouped, near, ranked

HOUR = 3_600
NAN = math.nan
RANGES = [(100, 200), (300, 400)]


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def buckets(*rows: tuple[int, dict[int, int]]) -> Buckets:
    pairs = [pair for _, some in rows for pair in some.items()]
    return Buckets(
        whole(*(group for group, _ in rows)),
        whole(*(len(some) for _, some in rows)),
        np.array([bucket for bucket, _ in pairs], np.int32),
        whole(*(count for _, count in pairs)),
    )


def test_bins_reach_over_the_end_and_hold_hours_when_they_begin_on_one() -> None:
    assert [Bins(50, end, 100).count for end in (51, 150, 151, 450)] == [1, 1, 2, 4]
    assert Bins(2 * HOUR, 9 * HOUR, 3 * HOUR).whole_hours
    assert Bins(0, 9, HOUR).whole_hours
    assert not Bins(2 * HOUR, 9 * HOUR, HOUR // 2).whole_hours
    assert not Bins(2 * HOUR + 60, 9 * HOUR, HOUR).whole_hours
    assert not Bins(2 * HOUR + 60, 9 * HOUR, HOUR + 60).whole_hours


@pytest.mark.parametrize(
    ("key", "second", "bins", "group"),
    [
        (3, 99, None, -1), (3, 100, None, 0), (7, 199, None, 1), (7, 200, None, -1),
        (9, 299, None, -1), (9, 300, None, 2), (3, 399, None, 0), (3, 400, None, -1),
        (3, 100, Bins(100, 400, 100), 0), (3, 300, Bins(100, 400, 100), 2),
        (7, 199, Bins(100, 400, 100), 3), (9, 399, Bins(100, 400, 100), 8),
        (3, 149, Bins(50, 400, 100), 0), (3, 150, Bins(50, 400, 100), 1),
        (7, 150, Bins(50, 400, 100), 5), (9, 399, Bins(50, 400, 100), 11),
    ],
)  # fmt: skip
def test_a_row_belongs_to_the_channel_and_the_bin_it_begins_in(
    key: int, second: int, bins: Bins | None, group: int
) -> None:
    rows = whole(key), whole(second)

    assert grouped(*rows, whole(3, 7, 9), RANGES, bins).tolist() == [group]
    assert grouped(*rows, whole(3, 7, 9), [], bins).tolist() == [-1]


def test_lines_are_of_the_channels_they_name() -> None:
    low, middle, high = (np.array([[1.0], [2.0]]) * of for of in (1, 10, 100))
    lines = Lines(whole(3, 7), low, middle, high)

    assert [of.tolist() for of in lines.of(3) or ()] == [[1], [10], [100]]
    assert [of.tolist() for of in lines.of(7) or ()] == [[2], [20], [200]]
    assert [lines.of(key) for key in (1, 5, 8)] == [None] * 3


@pytest.mark.parametrize(
    ("counts", "ranks"),
    [
        ({0: 1}, (0, 0, 0)),
        ({0: 1, 1: 1}, (0, 0, 1)),  # ⌈0.1⌉, ⌈1⌉, ⌈1.9⌉ of two
        ({0: 1, 1: 1, 2: 1}, (0, 1, 2)),
        ({4: 1, 5: 18, 6: 1}, (4, 5, 5)),  # 1, 10 and 19 of twenty
        ({4: 1, 5: 9, 6: 9, 7: 1}, (4, 5, 6)),
        ({4: 1, 5: 9, 6: 8, 7: 2}, (4, 5, 7)),
        ({4: 1, 5: 8, 6: 10, 7: 1}, (4, 6, 6)),
        ({4: 1, 5: 20}, (5, 5, 5)),  # 2, 11 and 20 of twenty-one
        ({4: 2, 5: 17, 6: 2}, (4, 5, 6)),
        ({4: 2, 5: 9, 6: 9, 7: 1}, (4, 5, 6)),
        ({4_095: 1, 4_096: 50}, (4_095, 4_095, 4_095)),  # another metric's
        ({4_096: 50}, None),
        ({}, None),
    ],
)
def test_ranks_are_the_nearest_and_of_latency(
    counts: dict[int, int], ranks: tuple[int, int, int] | None
) -> None:
    middles = [NAN] * 3 if ranks is None else [float(bucket_middle_us(one)) for one in ranks]
    rows = (-1, {9: 1}), (1, counts), (0, {})

    for parts in ([buckets(*rows)], [buckets(rows[1]), buckets(rows[0], rows[2])]):
        np.testing.assert_array_equal(ranked(parts, 3), [[NAN] * 3, middles, [NAN] * 3])


def test_groups_that_are_counted_one_after_the_other_come_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [(group, {10 + group: 3, 14: 1}) for group in (4, 0, 2)]
    at_once = ranked([buckets(*rows)], 5)
    for cells in (1, 5, 10, 15, 24):  # of 5 buckets a group
        monkeypatch.setattr(measured, "_CELLS_MAX", cells)
        np.testing.assert_array_equal(ranked([buckets(*rows)], 5), at_once)
    for group, at in enumerate(at_once.tolist()):
        if group % 2:
            assert all(map(math.isnan, at))
        else:
            middle = bucket_middle_us(10 + group)
            assert at == [middle, middle, bucket_middle_us(14)]


def test_counts_of_groups_are_added_bucket_by_bucket() -> None:
    one, other = buckets((1, {7: 2, 9: 1}), (-1, {1: 5}), (0, {8: 4})), buckets((1, {9: 3, 6: 1}))

    assert counted([one, other], 3) == [{8: 4}, {6: 1, 7: 2, 9: 4}, {}]
    assert counted([buckets((0, {0: 1}))], 1) == [{0: 1}]
    least, more = buckets((0, {0: 2})), buckets((0, {5: 1, 9: 3}))
    assert counted([least, more], 1) == [{0: 2, 5: 1, 9: 3}]
    assert counted([buckets((0, {1 << 20: 6}))], 1) == [{1 << 20: 6}]
    assert counted([buckets((0, {}))], 1) == [{}]
    assert counted([buckets((-1, {5: 1}))], 1) == [{}]
    assert counted([], 1) == [{}]


def test_sums_are_of_rows_that_count_something_and_have_a_group() -> None:
    sums = Sums.none(3)
    sums.add(
        whole(-1, 0, 1, 0, 0), whole(9, 2, 0, 3, 1), whole(9, 4, 9, 1, 0), whole(9, 5, 9, 7, 1),
        np.array([0.5, 2.5, 0.5, 2.0, 3.0]), whole(99, 8, 99, 20, 3),
    )  # fmt: skip

    assert sums.count.tolist() == [6, 0, 0]
    assert sums.high.tolist() == [5, 0, 0]
    assert sums.low.tolist() == [13, 0, 0]
    assert sums.greatest.tolist() == [20, 0, 0]
    np.testing.assert_array_equal(sums.least, [2.0, NAN, NAN])


def test_ranges_are_read_together_that_are_less_than_an_hour_apart() -> None:
    first = (10, 20)

    assert near([first, (20 + HOUR - 1, 9_000), (9_001, 9_002)]) == [
        [first, (20 + HOUR - 1, 9_000), (9_001, 9_002)]
    ]
    assert near([first, (20 + HOUR, 9_000), (9_001, 9_002)]) == [
        [first], [(20 + HOUR, 9_000), (9_001, 9_002)],
    ]  # fmt: skip
    assert near([first, (30, 2_000), (2_030 + HOUR, 9_999)]) == [
        [first, (30, 2_000)], [(2_030 + HOUR, 9_999)],
    ]  # fmt: skip
    assert near([]) == []


def test_what_lies_far_apart_is_read_in_eight_goes_at_most() -> None:
    apart = [(at * 2 * HOUR, at * 2 * HOUR + 60) for at in range(11)]

    assert near(apart) == [*([one] for one in apart[:7]), apart[7:]]
