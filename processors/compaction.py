"""Rollups of closed days, put together: one row a step, sorted by channel (DESIGN 8).

Parts come as polls do, spread over the table: one circuit's day is then read from everywhere. A day
is compacted once, a range of channels at a time, each range in one transaction. What comes later
is appended as ever: readers sum.
"""

from collections.abc import Callable
from typing import Final

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.statements import read, run
from processors.transactions import transaction

MARGIN_SECONDS: Final = 7_200
"""A day is closed this long behind the least watermark: most late samples have come by then."""
_DAY: Final = "compacted_to_s"
_CHANNEL: Final = "compacted_to_channel_key"


class RollupCompactor:
    """Compacts closed days, a bounded piece at a time; only the writer thread calls it."""

    def __init__(self, store: TelemetryStore, at: Callable[[str], None]) -> None:
        """Remember what to compact; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._day_s = 0  # days before it are done
        self._channel_key = 0  # of that day, channels up to it are done

    def start(self) -> None:
        """Read how far it was."""
        self._day_s = self._stored(_DAY)
        self._channel_key = self._stored(_CHANNEL)

    def compact(self, least_watermark_us: int, rows_max: int) -> int:
        """Compact about `rows_max` rows of the oldest day; return how many, 0: nothing to do."""
        closed_s = least_watermark_us // MICROSECONDS - MARGIN_SECONDS
        if self._day_s + DAY_SECONDS > closed_s:
            return 0
        if self._channel_key == 0 and not self._next_day():
            return 0
        if self._day_s + DAY_SECONDS > closed_s:
            return 0
        day = {"from_s": self._day_s, "to_s": self._day_s + DAY_SECONDS}
        where = {**day, "after_channel_key": self._channel_key, "rows_max": rows_max}
        ((last, rows),) = self._store.writer.execute(
            statement("processors", "compaction_range"), where
        ).fetchall()
        if last is None:
            with transaction(self._store.writer):
                self._store_stand(self._day_s + DAY_SECONDS, 0)
            self._day_s, self._channel_key = self._day_s + DAY_SECONDS, 0
            return 1
        channels = {"first_channel_key": self._channel_key + 1, "last_channel_key": int(last)}
        self._replace({**day, **channels})
        self._channel_key = int(last)
        return int(rows)

    def _replace(self, bounds: dict[str, int]) -> None:
        writer = self._store.writer
        with transaction(writer):
            for table, compacted in (
                ("rollup_parts", "compacted_rollups"),
                ("latency_histogram", "compacted_histogram"),
            ):
                rows = read(writer, compacted, bounds)
                writer.execute(statement("processors", f"{table}_range_delete"), bounds).fetchall()
                self._at(f"{table} taken out")
                run(writer, f"{table}_append", compacted=rows)
            self._store_stand(self._day_s, bounds["last_channel_key"])
            self._at("before compaction committed")

    def _next_day(self) -> bool:
        """Skip days without rollups; False: there are none at all."""
        ((oldest,),) = self._store.writer.execute(
            statement("processors", "rollups_oldest"), {"from_s": self._day_s}
        ).fetchall()
        if oldest is None:
            return False
        self._day_s = int(oldest) // DAY_SECONDS * DAY_SECONDS
        return True

    def _store_stand(self, day_s: int, channel_key: int) -> None:
        for name, value in ((_DAY, day_s), (_CHANNEL, channel_key)):
            self._store.writer.execute(
                statement("processors", "housekeeping_write"), {"name": name, "value": value}
            ).fetchall()

    def _stored(self, name: str) -> int:
        rows = self._store.writer.execute(
            statement("processors", "housekeeping_read"), {"name": name}
        ).fetchall()
        return int(rows[0][0]) if rows else 0
