"""The least and the greatest of rows by group. Pure.

Of 80,000 channels by circuit: 0.1 ms where `numpy.minimum.at` takes 1 to 2.
"""

import numpy as np

from linksla.compiled import INT64, INT64S, compiled
from processors.observations import Int64


def least_by(group: Int64, values: Int64, groups: int, of_none: int) -> Int64:
    """Return the least value of each group, and not more than `of_none`, which one without has."""
    return _least(np.ascontiguousarray(group), np.ascontiguousarray(values), groups, of_none)


def greatest_by(group: Int64, values: Int64, groups: int, of_none: int) -> Int64:
    """Return the greatest value of each group, not less than `of_none`, which one without has."""
    return _greatest(np.ascontiguousarray(group), np.ascontiguousarray(values), groups, of_none)


@compiled(INT64S, INT64S, INT64, INT64, is_short=True)
def _least(group: Int64, values: Int64, groups: int, of_none: int) -> Int64:
    found = np.full(groups, of_none, np.int64)
    for row in range(len(group)):
        found[group[row]] = min(found[group[row]], values[row])
    return found


@compiled(INT64S, INT64S, INT64, INT64, is_short=True)
def _greatest(group: Int64, values: Int64, groups: int, of_none: int) -> Int64:
    found = np.full(groups, of_none, np.int64)
    for row in range(len(group)):
        found[group[row]] = max(found[group[row]], values[row])
    return found
