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
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.observations import Int64, integers
from processors.rollups import STEP_SECONDS, Rollups, merged
from processors.statements import read, run
from processors.transactions import transaction

MARGIN_SECONDS: Final = 7_200
"""A day is closed this long behind the least watermark: most late samples have come by then."""
NARROWER: Final = ((300, 300), (3_600, 900))
"""Ranges that are compacted before the day, where they are needed, and their margins, in s."""
STEPS_LOOKED_THROUGH_MAX: Final = 4_000_000
"""A range of more steps than this (at a step a minute) is compacted in narrower ones first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Channels, in order, and how many rows each has in a range."""

    channel_key: Int64
    rows: Int64

    def cut(self, rows_max: int) -> "tuple[Waiting, Waiting]":
        """Return the first channels, with at most so many rows or one of them, and the others."""
        number = max(int(np.searchsorted(np.cumsum(self.rows), rows_max, "right")), 1)
        key, rows = self.channel_key, self.rows
        return Waiting(key[:number], rows[:number]), Waiting(key[number:], rows[number:])


_NOBODY: Final = Waiting(np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(slots=True)
class Stand:
    """How far the ranges of one width are done."""

    name: str
    width_s: int
    margin_s: int
    at_s: int = 0  # ranges before it are done
    channel_key: int = 0  # of that range, channels up to it are done
    waiting: Waiting = _NOBODY  # of that range, of the channels after it those looked at already

    @property
    def range(self) -> dict[str, int]:
        """The range that is next, as statements take it."""
        return {"from_s": self.at_s, "to_s": self.at_s + self.width_s}

    def go_to(self, at_s: int) -> None:
        """Go on with the range that begins at an instant, from its first channel on."""
        self.at_s, self.channel_key, self.waiting = at_s, 0, _NOBODY

    def ends_by(self, closed_s: int) -> bool:
        """Return whether its next range is over at an instant."""
        return self.at_s + self.width_s <= closed_s


class Compactor(ABC):
    """Compacts closed ranges, a bounded piece at a time; only the writer thread calls it.

    `oldest` and `waiting` are the statements that look for what is to be done.
    """

    name: str
    narrower: tuple[tuple[int, int], ...] = ()
    width_s = DAY_SECONDS
    row_s: int  # a channel has about a row in so many seconds
    oldest: str
    waiting: str

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
            statement("processors", "channel_key_max")
        ).fetchall()
        day = self._stands[-1]
        found = [day]
        for stand in reversed(self._stands[:-1]):
            if self._channels * (found[0].width_s // 60) <= self._steps_max:
                break
            if stand.at_s < day.at_s:
                stand.go_to(day.at_s)
            found.insert(0, stand)
        return found

    def _piece(self, stand: Stand, closed_s: int, rows_max: int) -> int:
        if not stand.ends_by(closed_s):
            return 0
        if stand.channel_key == 0 and not self._found_rows(stand, closed_s):
            return 0
        if not len(stand.waiting.channel_key):
            self._look_on(stand)
        if not len(stand.waiting.channel_key):
            with transaction(self._store.writer):
                self._store_stand(stand.name, stand.at_s + stand.width_s, 0)
            stand.go_to(stand.at_s + stand.width_s)
            return 1
        piece, rest = stand.waiting.cut(rows_max)
        bounds = {
            **stand.range,
            "first_channel_key": int(piece.channel_key[0]),
            "last_channel_key": int(piece.channel_key[-1]),
        }
        self._replace(stand, bounds)
        stand.channel_key, stand.waiting = bounds["last_channel_key"], rest
        return int(piece.rows.sum())

    def _look_on(self, stand: Stand) -> None:
        """Count the rows of the next channels that have some, of as many as are looked through.

        Once for many pieces: asked for each piece, it was a third of what they took.
        """
        at_once = max(self._steps_max * self.row_s // stand.width_s, 1)
        for first in range(stand.channel_key + 1, self._channels + 1, at_once):
            bounds = {"first_channel_key": first, "last_channel_key": first + at_once - 1}
            found = read(self._store.writer, self.waiting, {**stand.range, **bounds})
            if len(found):
                stand.waiting = Waiting(integers(found, "channel_key"), integers(found, "rows"))
                return

    @abstractmethod
    def _replace(self, stand: Stand, bounds: dict[str, int]) -> None:
        """Put the rows of a piece back as they are to be, and how far that is, all or nothing."""

    def _found_rows(self, stand: Stand, closed_s: int) -> bool:
        """Skip ranges without rollups; False: no range that is closed has any."""
        ((oldest,),) = self._store.writer.execute(
            statement("processors", self.oldest), {"from_s": stand.at_s}
        ).fetchall()
        last_s = closed_s // stand.width_s * stand.width_s
        at_s = last_s if oldest is None else min(int(oldest), last_s)
        stand.go_to(at_s // stand.width_s * stand.width_s)
        return stand.ends_by(closed_s)

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
    oldest, waiting = "rollups_oldest", "compaction_channels"

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
