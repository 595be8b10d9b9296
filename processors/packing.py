"""Packs of hours put together as packs of days, and those of 8 days: a month lies in 4 places.

A pack that is read lies in a block of 256 KiB with those of a hundred other circuits, which is read
with it: 31 packs of days took 4 ms, 4 of 8 days take one.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.blocks import BLOCK_SECONDS, STAND, write_packs
from processors.packs import PACK_SECONDS_MAX, Pack, packs_of, place_of
from processors.statements import read
from processors.transactions import transaction

ROWS_A_BLOCK: Final = 10
"""A block weighs as much as so many rows of rollups."""
_CHANNELS: Final = 4
_NO_PLACE: Final = -1


@dataclass(slots=True)
class _Length:
    """Packs of one length: those that begin before `to_s` are made; then those up to `place`."""

    name: str
    seconds: int
    to_s: int = 0
    place: int = _NO_PLACE

    @property
    def stand(self) -> dict[str, int]:
        """What is stored of it."""
        return {f"{self.name}_packed_to_s": self.to_s, f"{self.name}_packed_to_place": self.place}


class Packer:
    """Packs what is closed, a bounded piece at a time; only the writer thread calls it."""

    def __init__(self, store: TelemetryStore, at: Callable[[str], None]) -> None:
        """Remember where; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._lengths = (_Length("days", DAY_SECONDS), _Length("longest", PACK_SECONDS_MAX))

    def start(self) -> None:
        """Read how far it was."""
        for length in self._lengths:
            to_s, place = (self._stored(name, value) for name, value in length.stand.items())
            length.to_s, length.place = to_s, place

    def pack(self, rows_max: int) -> int:
        """Pack what weighs about `rows_max` rows of rollups; return how many, 0: nothing left."""
        days, longest = self._lengths
        made_to_s = self._stored(STAND, 0)
        return self._pack(days, made_to_s, rows_max) or self._pack(longest, days.to_s, rows_max)

    def _pack(self, length: _Length, made_to_s: int, rows_max: int) -> int:
        """Pack what is made before `made_to_s`."""
        if length.place == _NO_PLACE and not self._next(length, made_to_s):
            return 0
        within = {"from_s": length.to_s, "to_s": length.to_s + length.seconds}
        first = self._one("packs_next_of", {**within, "after_place": length.place})
        writer = self._store.writer
        if first is None:
            with transaction(writer):
                self._store_stand(_Length(length.name, length.seconds, within["to_s"]))
            length.to_s, length.place = within["to_s"], _NO_PLACE
            return 1
        weight = length.seconds // BLOCK_SECONDS * _CHANNELS * ROWS_A_BLOCK
        last = first + max(rows_max // weight, 1) * place_of(1, 0) - 1
        bounds = {**within, "first_place": first, "last_place": last}
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
                [(place, length.to_s, Pack.together(some)) for place, some in by_place.items()],
            )
            self._store_stand(_Length(length.name, length.seconds, length.to_s, last))
            self._at("before packed days committed")
        length.place = last
        return sum(len(pack) for _, _, pack in packs) * ROWS_A_BLOCK

    def _next(self, length: _Length, made_to_s: int) -> bool:
        """Skip time without packs; False: there is none of which all blocks are made."""
        if length.to_s + length.seconds > made_to_s:
            return False
        oldest = self._one("packs_oldest", {"from_s": length.to_s})
        if oldest is None:
            return False
        from_s = oldest // length.seconds * length.seconds
        if from_s + length.seconds > made_to_s:
            return False
        length.to_s = from_s
        return True

    def _store_stand(self, length: _Length) -> None:
        for name, value in length.stand.items():
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
