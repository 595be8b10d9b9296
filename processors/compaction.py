"""Rollups put together: one row a step, sorted by channel (DESIGN 8), in pieces of bounded size.

Parts come as polls do, spread over the table: one circuit's day is then read from everywhere. A
closed range of time is compacted once, a range of channels at a time, each in one transaction.
What comes later is appended as ever: readers sum.

A piece must find its rows without looking through the whole table. In a small network a day is the
range. In a large one its rows are first sorted within each hour, and in a very large one within
five minutes: then a few channels of the wider range lie in few places of each narrower one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.rollups import STEP_SECONDS, Rollups, merged
from processors.statements import read, run
from processors.transactions import transaction

MARGIN_SECONDS: Final = 7_200
"""A day is closed this long behind the least watermark: most late samples have come by then."""
NARROWER: Final = ((300, 300), (3_600, 900))
"""Ranges that are compacted before the day, where they are needed, and their margins, in s."""
STEPS_LOOKED_THROUGH_MAX: Final = 4_000_000
"""A range of more steps than this (at a step a minute) is compacted in narrower ones first."""


@dataclass(slots=True)
class Stand:
    """How far the ranges of one width are done."""

    name: str
    width_s: int
    margin_s: int
    at_s: int = 0  # ranges before it are done
    channel_key: int = 0  # of that range, channels up to it are done
    rows_a_channel: float = 0.0  # of the last piece

    def ends_by(self, closed_s: int) -> bool:
        """Return whether its next range is over at an instant."""
        return self.at_s + self.width_s <= closed_s


class Compactor(ABC):
    """Compacts closed ranges, a bounded piece at a time; only the writer thread calls it.

    `oldest`, `next_channel` and `count` are the statements that look for what is to be done.
    """

    name: str
    narrower: tuple[tuple[int, int], ...] = ()
    width_s = DAY_SECONDS
    row_s: int  # a channel has about a row in so many seconds, where nothing is known yet
    oldest: str
    next_channel: str
    count: str

    def __init__(
        self,
        store: TelemetryStore,
        at: Callable[[str], None],
        margin_seconds: int = MARGIN_SECONDS,
        steps_max: int = STEPS_LOOKED_THROUGH_MAX,
    ) -> None:
        """Remember what to compact; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._steps_max = steps_max
        self._channels = 0
        self._stands = (
            *(Stand(f"{self.name}_{width}", width, margin) for width, margin in self.narrower),
            Stand(self.name, self.width_s, margin_seconds),
        )

    def start(self) -> None:
        """Read how far it was."""
        for stand in self._stands:
            stand.at_s = self._stored(f"{stand.name}_to_s")
            stand.channel_key = self._stored(f"{stand.name}_to_channel_key")

    def compact(self, least_watermark_us: int, rows_max: int) -> int:
        """Compact the next piece, at most `rows_max` rows unless it is one channel.

        Returns how many there were; 0: nothing to do.
        """
        least_s = least_watermark_us // MICROSECONDS
        narrower_done_s = least_s
        for stand in self._needed():
            closed_s = min(least_s - stand.margin_s, narrower_done_s)
            if rows := self._piece(stand, closed_s, rows_max):
                return rows
            narrower_done_s = stand.at_s
        return 0

    def _needed(self) -> list[Stand]:
        """Return the widths in use, the narrowest first."""
        ((self._channels,),) = self._store.writer.execute(
            statement("processors", "channel_count")
        ).fetchall()
        day = self._stands[-1]
        found = [day]
        for stand in reversed(self._stands[:-1]):
            if self._channels * (found[0].width_s // 60) <= self._steps_max:
                break
            if stand.at_s < day.at_s:
                stand.at_s, stand.channel_key = day.at_s, 0
            found.insert(0, stand)
        return found

    def _piece(self, stand: Stand, closed_s: int, rows_max: int) -> int:
        if not stand.ends_by(closed_s):
            return 0
        if stand.channel_key == 0 and not self._found_rows(stand, closed_s):
            return 0
        range_ = {"from_s": stand.at_s, "to_s": stand.at_s + stand.width_s}
        first = self._next_channel(range_, stand.channel_key)
        if first is None:
            with transaction(self._store.writer):
                self._store_stand(stand.name, stand.at_s + stand.width_s, 0)
            stand.at_s, stand.channel_key = stand.at_s + stand.width_s, 0
            return 1
        bounds, rows = self._bounded(stand, range_, first, rows_max)
        self._replace(stand, bounds)
        stand.channel_key = bounds["last_channel_key"]
        channels = stand.channel_key - first + 1
        stand.rows_a_channel = rows / channels
        return rows

    def _bounded(
        self, stand: Stand, range_: dict[str, int], first: int, rows_max: int
    ) -> tuple[dict[str, int], int]:
        """Return channels from `first` on with at most `rows_max` rows, and how many they have."""
        a_channel = stand.rows_a_channel or stand.width_s // self.row_s
        channels = max(min(int(rows_max / a_channel), self._channels), 1)
        while True:
            bounds = {
                **range_,
                "first_channel_key": first,
                "last_channel_key": first + channels - 1,
            }
            ((rows,),) = self._store.writer.execute(
                statement("processors", self.count), bounds
            ).fetchall()
            if rows <= rows_max or channels == 1:
                return bounds, int(rows)
            channels = max(min(channels // 2, int(channels * rows_max / rows)), 1)

    @abstractmethod
    def _replace(self, stand: Stand, bounds: dict[str, int]) -> None:
        """Put the rows of a piece back as they are to be, and how far that is, all or nothing."""

    def _found_rows(self, stand: Stand, closed_s: int) -> bool:
        """Skip ranges without rollups; False: no range that is closed has any."""
        ((oldest,),) = self._store.writer.execute(
            statement("processors", self.oldest), {"from_s": stand.at_s}
        ).fetchall()
        last_s = closed_s // stand.width_s * stand.width_s
        stand.at_s = last_s if oldest is None else min(int(oldest), last_s)
        stand.at_s = stand.at_s // stand.width_s * stand.width_s
        return stand.ends_by(closed_s)

    def _next_channel(self, range_: dict[str, int], after: int) -> int | None:
        ((first,),) = self._store.writer.execute(
            statement("processors", self.next_channel), {**range_, "after_channel_key": after}
        ).fetchall()
        return None if first is None else int(first)

    def _store_stand(self, name: str, at_s: int, channel_key: int) -> None:
        for what, value in (("to_s", at_s), ("to_channel_key", channel_key)):
            self._store.writer.execute(
                statement("processors", "housekeeping_write"),
                {"name": f"{name}_{what}", "value": value},
            ).fetchall()

    def _stored(self, name: str) -> int:
        rows = self._store.writer.execute(
            statement("processors", "housekeeping_read"), {"name": name}
        ).fetchall()
        return int(rows[0][0]) if rows else 0


class RollupCompactor(Compactor):
    """Makes the parts of a step one row, in order of channels."""

    name = "compacted"
    narrower: tuple[tuple[int, int], ...] = NARROWER
    row_s = STEP_SECONDS  # most steps are written once
    oldest, next_channel, count = "rollups_oldest", "compaction_next", "compaction_count"

    def _replace(self, stand: Stand, bounds: dict[str, int]) -> None:
        writer = self._store.writer
        with transaction(writer):
            found = merged([Rollups.of(self._read(writer, bounds))])
            writer.execute(statement("processors", "rollup_parts_range_delete"), bounds).fetchall()
            self._at("rollup_parts taken out")
            run(writer, "rollup_parts_insert", new_parts=found.parts())
            self._store_stand(stand.name, bounds["from_s"], bounds["last_channel_key"])
            self._at("before compaction committed")
        self._at("compaction committed")

    def _read(self, writer: duckdb.DuckDBPyConnection, bounds: dict[str, int]) -> pa.Table:
        """Return the rows of a piece; those of one step are put together."""
        return read(writer, "rollup_parts_compacted", bounds)
