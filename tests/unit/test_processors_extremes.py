"""The least and the greatest of rows by group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.extremes import greatest_by, least_by

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(-(2**62), 2**62)))


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]  # rows lie apart, as columns of a table do


@given(ROWS, st.integers(-9, 9))
def test_each_group_has_its_own_and_one_without_rows_what_none_has(
    rows: list[tuple[int, int]], of_none: int
) -> None:
    group, values = columns(rows)
    by_group = [[value for number, value in rows if number == n] for n in range(5)]

    least = least_by(group, values, 5, of_none)
    greatest = greatest_by(group, values, 5, of_none)

    assert least.tolist() == [min([of_none, *some]) for some in by_group]
    assert greatest.tolist() == [max([of_none, *some]) for some in by_group]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_the_order_of_rows_is_all_one(order: slice) -> None:
    group, values = columns([(0, 5), (2, -7), (0, 9), (2, 4)])

    assert least_by(group[order], values[order], 3, 100).tolist() == [5, 100, -7]
    assert greatest_by(group[order], values[order], 3, -100).tolist() == [9, -100, 4]
