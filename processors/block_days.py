"""Packs of hours put together as packs of days: a month of a circuit lies in 31 places."""

import itertools
from collections.abc import Callable
from typing import Final

from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.blocks import BLOCK_SECONDS, STAND, write_packs
from processors.packs import Pack, packs_of, place_of
from processors.statements import read
from processors.transactions import transaction

ROWS_A_PACK: Final = 40
"""A pack of an hour weighs as much as so many rows of rollups: some 4 channels."""
_DAY: Final = "days_packed_to_s"
_PLACE: Final = "days_packed_to_place"


class DayPacker:
    """Packs closed days, a bounded piece at a time; only the writer thread calls it."""

    def __init__(self, store: TelemetryStore, at: Callable[[str], None]) -> None:
        """Remember where; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._day_s = 0  # days before it are done
        self._place = -1  # of that day, packs up to this place are done

    def start(self) -> None:
        """Read how far it was."""
        self._day_s, self._place = self._stored(_DAY, 0), self._stored(_PLACE, -1)

    def pack(self, rows_max: int) -> int:
        """Pack what weighs about `rows_max` rows of rollups; return how many, 0: nothing left."""
        if self._place < 0 and not self._next_day():
            return 0
        day = {"from_s": self._day_s, "to_s": self._day_s + DAY_SECONDS}
        first = self._one("packs_next_of", {**day, "after_place": self._place})
        writer = self._store.writer
        if first is None:
            with transaction(writer):
                self._store_stand(day["to_s"], -1)
            self._day_s, self._place = day["to_s"], -1
            return 1
        weight = DAY_SECONDS // BLOCK_SECONDS * ROWS_A_PACK
        last = first + max(rows_max // weight, 1) * place_of(1, 0) - 1
        bounds = {**day, "first_place": first, "last_place": last}
        with transaction(writer):
            packs = packs_of(read(writer, "packs_within", bounds))
            by_place = {
                place: [pack for _, _, pack in some]
                for place, some in itertools.groupby(packs, key=lambda placed: placed[0])
            }
            writer.execute(statement("processors", "packs_delete"), bounds).fetchall()
            self._at("packs taken out")
            write_packs(
                writer,
                [(place, self._day_s, Pack.together(some)) for place, some in by_place.items()],
            )
            self._store_stand(self._day_s, last)
            self._at("before packed days committed")
        self._place = last
        return len(packs) * ROWS_A_PACK

    def _next_day(self) -> bool:
        """Skip days without packs; False: no day whose blocks are all made has any."""
        made_to_s = self._stored(STAND, 0)
        if self._day_s + DAY_SECONDS > made_to_s:
            return False
        oldest = self._one("packs_oldest", {"from_s": self._day_s})
        if oldest is None:
            return False
        day_s = oldest // DAY_SECONDS * DAY_SECONDS
        if day_s + DAY_SECONDS > made_to_s:
            return False
        self._day_s = day_s
        return True

    def _store_stand(self, day_s: int, place: int) -> None:
        for name, value in ((_DAY, day_s), (_PLACE, place)):
            self._store.writer.execute(
                statement("processors", "housekeeping_write"), {"name": name, "value": value}
            ).fetchall()

    def _one(self, name: str, parameters: dict[str, int]) -> int | None:
        ((value,),) = self._store.writer.execute(
            statement("processors", name), parameters
        ).fetchall()
        return None if value is None else int(value)

    def _stored(self, name: str, otherwise: int) -> int:
        rows = self._store.writer.execute(
            statement("processors", "housekeeping_read"), {"name": name}
        ).fetchall()
        return int(rows[0][0]) if rows else otherwise
