"""How the verdicts of months stand: the latest calculation of each, remembered.

Nobody but the evaluator appends calculations while this process has the store, so what was read or
appended once need not be read again: it took 9 ms a poll, and more with each month of history. The
number of calculations says whether that holds: one that was rolled back is missing in it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Final

import duckdb

from linksla.sql import statement

_MONTHS_MAX: Final = 65_536
"""Of some 600 bytes: 40 MB. 20,000 circuits of three months; of more, those judged of late."""

Month = tuple[str, str]
"""A circuit and one of its months."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The latest calculation of a month.

    `verdicts` is what may not change silently, `basis` what the next answer is compared with;
    None: the table has it in the payload only.
    """

    version: int
    verdicts: str
    basis: str | None


class StandingVerdicts:
    """A bounded memory before the table `verdict_history`; only the writer thread calls it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: OrderedDict[str, dict[str, Standing]] = OrderedDict()
        self._months = 0
        self._calculations = 0  # how many there are, if what is known holds

    def of(
        self, writer: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
    ) -> dict[Month, Standing]:
        """Return how all months of circuits stand that were ever judged."""
        ((calculations,),) = writer.execute(statement("sla", "verdict_count")).fetchall()
        if calculations != self._calculations:
            self._forget()
            self._calculations = calculations
        unread = [name for name in circuit_ids if name not in self._known]
        if unread:
            self._read(writer, unread)
        found = {}
        for name in circuit_ids:
            self._known.move_to_end(name)
            for month, standing in self._known[name].items():
                found[name, month] = standing
        self._trim()
        return found

    def appended(self, new: Mapping[Month, Standing]) -> None:
        """Take over calculations that were appended, before they are certain."""
        self._calculations += len(new)
        for (name, month), standing in new.items():
            if name in self._known:
                self._add(name, month, standing)

    def _read(self, writer: duckdb.DuckDBPyConnection, circuit_ids: Iterable[str]) -> None:
        names = list(circuit_ids)
        rows = writer.execute(
            statement("sla", "verdicts_standing"), {"circuit_ids": names}
        ).fetchall()
        for name in names:
            self._known[name] = {}
        for name, month, version, verdicts, basis in rows:
            # most months of a network say the same: one text for all
            self._add(name, intern(month), Standing(version, intern(verdicts), basis))

    def _add(self, name: str, month: str, standing: Standing) -> None:
        months = self._known[name]
        self._months += month not in months
        months[month] = standing

    def _trim(self) -> None:
        while self._months > _MONTHS_MAX:
            self._months -= len(self._known.popitem(last=False)[1])

    def _forget(self) -> None:
        self._known.clear()
        self._months = 0
