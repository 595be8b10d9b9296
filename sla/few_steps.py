"""What qualified of channels in few rollup steps, summed from one statement's rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from linksla.sql import statement
from processors.blocks import Range
from sla.measures import Observed, Totals
from sla.performance import Asked, bearing, observed, read_throughput

_ROWS_MAX: Final = 4_096
"""Of some 5 µs each; the sums of more are the database's."""
_GREATEST: Final = frozenset((2, 6, 9))  # of the figures a row has; the others are summed


@dataclass(frozen=True, slots=True)
class _Sum:
    """What one question comes to of one channel: figures as `observed` takes them, and buckets.

    Both are none as long as no row is in it.
    """

    question: int
    channel: str
    pieces: Sequence[Range]
    step_seconds: int
    figures: list[int] = field(default_factory=list)
    buckets: dict[int, int] = field(default_factory=dict)

    def add(
        self,
        start_s: int,
        buckets: Sequence[int] | None,
        counts: Sequence[int] | None,
        figures: Sequence[int | None],
    ) -> None:
        """Add one row, if it is asked for."""
        ends_s = start_s + self.step_seconds
        if not any(lower <= start_s and ends_s <= upper for lower, upper in self.pieces):
            return
        if not self.figures:
            self.figures.extend([0] * len(figures))
        for at, figure in enumerate(figures):
            if figure:
                before = self.figures[at]
                self.figures[at] = max(before, figure) if at in _GREATEST else before + figure
        for bucket, count in zip(buckets or (), counts or (), strict=True):
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def observed(self, throughput: Mapping[str, Totals]) -> Observed:
        """Return what was observed."""
        return observed(self.channel, self.figures, self.buckets, throughput)


def are_few(asked: Sequence[Asked]) -> bool:
    """Return whether questions bear on so few rows that they are summed here."""
    rows = 0
    for one in asked:
        if one.pieces:
            seconds = one.pieces[-1][1] - one.pieces[0][0]
            rows += len(one.channels) * (seconds // one.step_seconds)
    return rows <= _ROWS_MAX


def read_few(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked]
) -> list[tuple[Observed, ...]]:
    """Return exactly what `read_observed` does."""
    found: list[tuple[Observed, ...]] = [()] * len(asked)
    if not (wanted := bearing(asked)):
        return found
    sums: dict[int, list[_Sum]] = {}
    for number in wanted:
        of = asked[number]
        for channel in of.channels:
            one = _Sum(number, channel.channel, of.pieces, of.step_seconds)
            sums.setdefault(channel.channel_key, []).append(one)
    rows = cursor.execute(
        statement("sla", "observed_steps"),
        {
            "channel_keys": list(sums),
            "from_s": [min(one.pieces[0][0] for one in some) for some in sums.values()],
            "first_key": min(sums),
            "last_key": max(sums),
            "first_s": min(asked[number].pieces[0][0] for number in wanted),
            "last_s": max(asked[number].pieces[-1][1] for number in wanted),
        },
    ).fetchall()
    for key, start_s, buckets, counts, *figures in rows:
        for one in sums[key]:
            one.add(start_s, buckets, counts, figures)
    throughput = read_throughput(cursor, asked, wanted)
    for key in sorted(sums):
        for one in sums[key]:
            if one.figures:
                rates = throughput.get((one.question, key), {})
                found[one.question] += (one.observed(rates),)
    return found
