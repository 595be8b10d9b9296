"""Blocks of closed days put in order of channels, so that a month of a circuit lies in 31 places.

Blocks come hour by hour, each of all channels: a circuit's month is then a row in each of 744
places, and whoever reads one row's lists unpacks 2,048 rows' (measured at 80,000 channels: 350 ms).
"""

from collections.abc import Callable
from typing import Final

from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.blocks import BLOCK_SECONDS, STAND
from processors.statements import read, run
from processors.transactions import transaction

ROWS_A_BLOCK: Final = 20
"""A block weighs as much as so many rows of rollups: it has some 100 latency buckets."""
_DAY: Final = "blocks_ordered_to_s"
_CHANNEL: Final = "blocks_ordered_to_channel_key"


class BlockOrderer:
    """Orders blocks of closed days, a bounded piece at a time; only the writer thread calls it."""

    def __init__(self, store: TelemetryStore, at: Callable[[str], None]) -> None:
        """Remember where; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._day_s = 0  # days before it are done
        self._channel_key = 0  # of that day, channels up to it are done

    def start(self) -> None:
        """Read how far it was."""
        self._day_s, self._channel_key = self._stored(_DAY), self._stored(_CHANNEL)

    def order(self, rows_max: int) -> int:
        """Order blocks worth about `rows_max` rows of rollups; return how many, 0: nothing left."""
        if self._channel_key == 0 and not self._next_day():
            return 0
        day = {"from_s": self._day_s, "to_s": self._day_s + DAY_SECONDS}
        first = self._one("blocks_next_of", {**day, "after_channel_key": self._channel_key})
        writer = self._store.writer
        if first is None:
            with transaction(writer):
                self._store_stand(day["to_s"], 0)
            self._day_s, self._channel_key = day["to_s"], 0
            return 1
        weight = DAY_SECONDS // BLOCK_SECONDS * ROWS_A_BLOCK
        last = first + max(rows_max // weight, 1) - 1
        bounds = {**day, "first_channel_key": first, "last_channel_key": last}
        with transaction(writer):
            blocks = read(writer, "blocks_ordered", bounds)
            writer.execute(statement("processors", "blocks_delete"), bounds).fetchall()
            self._at("blocks taken out")
            run(writer, "blocks_append", ordered_blocks=blocks)
            self._store_stand(self._day_s, last)
            self._at("before ordered blocks committed")
        self._channel_key = last
        return len(blocks) * ROWS_A_BLOCK

    def _next_day(self) -> bool:
        """Skip days without blocks; False: no day whose blocks are all made has any."""
        made_to_s = self._stored(STAND)
        if self._day_s + DAY_SECONDS > made_to_s:
            return False
        oldest = self._one("blocks_oldest", {"from_s": self._day_s})
        if oldest is None:
            return False
        day_s = oldest // DAY_SECONDS * DAY_SECONDS
        if day_s + DAY_SECONDS > made_to_s:
            return False
        self._day_s = day_s
        return True

    def _store_stand(self, day_s: int, channel_key: int) -> None:
        for name, value in ((_DAY, day_s), (_CHANNEL, channel_key)):
            self._store.writer.execute(
                statement("processors", "housekeeping_write"), {"name": name, "value": value}
            ).fetchall()

    def _one(self, name: str, parameters: dict[str, int]) -> int | None:
        ((value,),) = self._store.writer.execute(
            statement("processors", name), parameters
        ).fetchall()
        return None if value is None else int(value)

    def _stored(self, name: str) -> int:
        rows = self._store.writer.execute(
            statement("processors", "housekeeping_read"), {"name": name}
        ).fetchall()
        return int(rows[0][0]) if rows else 0
