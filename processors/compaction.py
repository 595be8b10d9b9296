"""Rollups of closed days, put together: one row a step, sorted by channel (DESIGN 8).

Parts come as polls do, spread over the table: one circuit's day is then read from everywhere. A day
is compacted once, a range of channels at a time, each range in one transaction. What comes later
is appended as ever: readers sum.

Long after, when no sample of a day can come any more, minutes fold into one row for each piece of
the day that counts as a whole: time that qualified for the objectives of a final month. Sums over
such pieces stay what they were, to the last digit; minutes that did not qualify stay minutes.
"""

from collections.abc import Callable, Sequence
from typing import Final

import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from linksla.settings import RetentionSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.statements import read, run
from processors.transactions import transaction

MARGIN_SECONDS: Final = 7_200
"""A day is closed this long behind the least watermark: most late samples have come by then."""

Settled = Callable[[str, int, int], Sequence[tuple[int, int]]]
"""The time of a circuit within [from, to), in seconds and whole rollup steps, of which all counts
for the objectives of final months and each piece only as a whole. Empty: nothing is settled."""


class RollupCompactor:
    """Compacts closed days, a bounded piece at a time; only the writer thread calls it."""

    name = "compacted"

    def __init__(
        self,
        store: TelemetryStore,
        at: Callable[[str], None],
        margin_seconds: int = MARGIN_SECONDS,
    ) -> None:
        """Remember what to compact; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._margin_s = margin_seconds
        self._day_s = 0  # days before it are done
        self._channel_key = 0  # of that day, channels up to it are done

    def start(self) -> None:
        """Read how far it was."""
        self._day_s = self._stored(f"{self.name}_to_s")
        self._channel_key = self._stored(f"{self.name}_to_channel_key")

    def compact(self, least_watermark_us: int, rows_max: int) -> int:
        """Compact about `rows_max` rows of the oldest day; return how many, 0: nothing to do."""
        closed_s = least_watermark_us // MICROSECONDS - self._margin_s
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
            self._before(bounds)
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

    def _before(self, _bounds: dict[str, int]) -> None:
        """Do what is to be done to a range before its equal steps are put together: nothing."""

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
        stand = {f"{self.name}_to_s": day_s, f"{self.name}_to_channel_key": channel_key}
        for name, value in stand.items():
            self._store.writer.execute(
                statement("processors", "housekeeping_write"), {"name": name, "value": value}
            ).fetchall()

    def _stored(self, name: str) -> int:
        rows = self._store.writer.execute(
            statement("processors", "housekeeping_read"), {"name": name}
        ).fetchall()
        return int(rows[0][0]) if rows else 0


class MinuteFolder(RollupCompactor):
    """Folds minutes of settled time into one row a piece and day."""

    name = "folded"

    def __init__(
        self,
        store: TelemetryStore,
        at: Callable[[str], None],
        retention: RetentionSettings,
        settled: Settled,
    ) -> None:
        """Remember what to fold; minutes that a sample may still change are never folded."""
        days = max(retention.minutes_days, retention.raw_days + 2)
        super().__init__(store, at, days * DAY_SECONDS)
        self._settled = settled

    def _before(self, bounds: dict[str, int]) -> None:
        range_ = {name: bounds[name] for name in ("first_channel_key", "last_channel_key")}
        channels = self._store.writer.execute(
            statement("processors", "circuits_of_channels"), range_
        ).fetchall()
        circuits = {str(circuit) for _, circuit in channels}
        pieces = {
            circuit: self._settled(circuit, bounds["from_s"], bounds["to_s"])
            for circuit in circuits
        }
        rows = [
            {"channel_key": key, "from_s": from_s, "to_s": to_s}
            for key, circuit in channels
            for from_s, to_s in pieces[circuit]
        ]
        table = pa.Table.from_pylist(rows, schema=_PIECES)
        for name in ("rollup_parts_fold", "latency_histogram_fold"):
            run(self._store.writer, name, bounds, pieces=table)


_PIECES: Final = pa.schema(
    [
        pa.field("channel_key", pa.int32()),
        pa.field("from_s", pa.int64()),
        pa.field("to_s", pa.int64()),
    ]
)
