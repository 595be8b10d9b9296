"""Sets of seconds as sorted, disjoint half-open intervals."""

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
Intervals = tuple[Interval, ...]


def union(parts: Iterable[Interval]) -> Intervals:
    """Return all seconds of `parts`, sorted, touching intervals joined, empty ones dropped."""
    joined: list[Interval] = []
    for start, end in sorted(part for part in parts if part[0] < part[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def intersect(left: Sequence[Interval], right: Sequence[Interval]) -> Intervals:
    """Return the seconds in both."""
    return union((max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) < min(b, d))


def subtract(left: Sequence[Interval], right: Sequence[Interval]) -> Intervals:
    """Return the seconds of `left` that are not in `right`."""
    rest: list[Interval] = []
    holes = union(right)
    for start, end in left:
        at = start
        for a, b in holes:
            if b <= at or a >= end:
                continue
            if a > at:
                rest.append((at, a))
            at = max(at, b)
        if at < end:
            rest.append((at, end))
    return union(rest)


def seconds(parts: Iterable[Interval]) -> int:
    """Return how many seconds disjoint intervals hold."""
    return sum(end - start for start, end in parts)


def first_seconds(parts: Sequence[Interval], limit: int) -> Intervals:
    """Return the first `limit` seconds of disjoint intervals, in time order."""
    taken: list[Interval] = []
    left = limit
    for start, end in sorted(parts):
        if left <= 0:
            break
        taken.append((start, min(end, start + left)))
        left -= end - start
    return union(taken)
