"""Sums and ranks of groups of rows are those of a loop over every single observation."""

import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.buckets import bucket_middle_us
from processors.packs import reordered
from sla import measured
from sla.measured import Buckets, Sums, counted, ranked

GROUPS = 5
LATENCY_END = 4_096  # where the buckets of other metrics begin

row = st.tuples(
    st.integers(-1, GROUPS - 1),
    st.lists(
        st.tuples(st.integers(0, 60) | st.integers(LATENCY_END - 1, 9_000), st.integers(1, 40)),
        max_size=6,
    ),
)
Row = tuple[int, list[tuple[int, int]]]


def buckets_of(rows: list[Row]) -> Buckets:
    pairs = [pair for _, some in rows for pair in some]
    return Buckets(
        np.array([group for group, _ in rows], np.int64),
        np.array([len(some) for _, some in rows], np.int64),
        np.array([bucket for bucket, _ in pairs], np.int32),
        np.array([count for _, count in pairs], np.int64),
    )


def observations_of(parts: list[list[Row]]) -> dict[int, Counter[int]]:
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for group, some in (one for rows in parts for one in rows):
        for bucket, count in some:
            found[group][bucket] += count
    return found


@given(st.lists(st.lists(row, max_size=8), max_size=3), st.sampled_from([1, 60, 4_000_000]))
def test_ranks_are_the_nearest_of_every_latency_of_a_group(
    parts: list[list[Row]], cells_max: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(measured, "_CELLS_MAX", cells_max)  # however few are counted at once
        found = ranked([buckets_of(rows) for rows in parts], GROUPS)
    observed = observations_of(parts)

    assert found.shape == (GROUPS, 3)
    for group, ranks in enumerate(found.tolist()):
        values = sorted(b for b in observed[group].elements() if b < LATENCY_END)
        if not values:
            assert all(map(math.isnan, ranks))
            continue
        at = [-(-len(values) * percent // 100) - 1 for percent in (5, 50, 95)]
        assert ranks == [bucket_middle_us(values[one]) for one in at]


@given(st.lists(st.lists(row, max_size=8), max_size=3))
def test_counts_are_those_of_every_bucket_of_every_metric(parts: list[list[Row]]) -> None:
    observed = observations_of(parts)

    found = counted([buckets_of(rows) for rows in parts], GROUPS)

    assert found == [dict(observed[group]) for group in range(GROUPS)]


@given(st.lists(st.lists(st.tuples(st.integers(-1, 3), st.lists(st.integers(0, 2**62))))))
def test_sums_of_rows_are_those_of_their_values(
    parts: list[list[tuple[int, list[int]]]],
) -> None:
    sums = Sums.none(4)
    for rows in parts:
        total = [sum(values) for _, values in rows]
        sums.add(
            np.array([group for group, _ in rows], np.int64),
            np.array([len(values) for _, values in rows], np.int64),
            np.array([one >> 32 for one in total], np.int64),
            np.array([one & 0xFFFFFFFF for one in total], np.int64),
            np.array([mean_of(values) for _, values in rows], np.float64),
            np.array([max(values, default=-1) for _, values in rows], np.int64),
        )
    for group in range(4):
        steps = [values for rows in parts for of, values in rows if of == group and values]
        every = [value for values in steps for value in values]
        assert int(sums.count[group]) == len(every)
        assert (int(sums.high[group]) << 32) + int(sums.low[group]) == sum(every)
        if every:
            assert sums.greatest[group] == max(every)
            assert sums.least[group] == min(map(mean_of, steps))
        else:
            assert math.isnan(sums.least[group])


def mean_of(values: list[int]) -> float:
    return sum(values) / len(values) if values else math.nan


def test_lists_follow_their_rows_into_another_order() -> None:
    rng = random.Random(2)
    for _ in range(50):
        lists = [[rng.randrange(9) for _ in range(rng.randrange(4))] for _ in range(6)]
        order = rng.sample(range(6), 6)
        flat = np.array([value for some in lists for value in some], np.int64)

        lengths, bucket, count = reordered(
            np.array(order), np.array([len(some) for some in lists]), flat, flat + 100
        )

        ends = np.cumsum(lengths).tolist()
        assert [bucket[end - n : end].tolist() for n, end in zip(lengths, ends, strict=True)] == [
            lists[at] for at in order
        ]
        assert (count == bucket + 100).all()
