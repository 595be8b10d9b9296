"""The latest rows of circuits in a history to which only its holder appends, remembered.

What was read or appended once need not be read again. The number of rows says whether that holds:
those that were rolled back are missing in it, those of somebody else are too many.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import duckdb

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")


class Latest(Generic[_Key, _Row]):
    """A bounded memory before a table; only the writer thread calls it."""

    def __init__(
        self,
        count: duckdb.Statement,
        read: Callable[
            [duckdb.DuckDBPyConnection, Sequence[str]], Iterable[tuple[str, _Key, _Row]]
        ],
        weight_max: int,
        circuit_weight: int = 1,
        weight: Callable[[_Row], int] = lambda _row: 1,
    ) -> None:
        """Remember how to read; nothing is known yet.

        `count` is a statement that says how many rows there are, `read` returns the latest of each
        key of some circuits. What is kept weighs at most `weight_max`.
        """
        self._count, self._read, self._weight_max = count, read, weight_max
        self._circuit_weight, self._weight_of = circuit_weight, weight
        self._known: OrderedDict[str, dict[_Key, _Row]] = OrderedDict()
        self._weight = 0  # of all rows, and of circuits
        self._rows = 0  # how many the table has, if what is known holds

    def of(
        self, writer: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
    ) -> dict[str, Mapping[_Key, _Row]]:
        """Return the latest rows of circuits by key."""
        ((rows,),) = writer.execute(self._count).fetchall()
        if rows != self._rows:
            self._known.clear()
            self._weight, self._rows = 0, rows
        unread = [name for name in dict.fromkeys(circuit_ids) if name not in self._known]
        if unread:
            self._known |= {name: {} for name in unread}
            self._weight += len(unread) * self._circuit_weight
            for name, key, row in self._read(writer, unread):
                self._add(name, key, row)
        found: dict[str, Mapping[_Key, _Row]] = {}
        for name in circuit_ids:
            self._known.move_to_end(name)
            found[name] = dict(self._known[name])
        while self._weight > self._weight_max:
            gone = self._known.popitem(last=False)[1].values()
            self._weight -= self._circuit_weight + sum(map(self._weight_of, gone))
        return found

    def appended(self, rows: Iterable[tuple[str, _Key, _Row]]) -> None:
        """Take over rows that were appended, in order, before they are certain."""
        for name, key, row in rows:
            self._rows += 1
            if name in self._known:
                self._add(name, key, row)

    def _add(self, name: str, key: _Key, row: _Row) -> None:
        rows = self._known[name]
        before = rows.get(key)
        self._weight += self._weight_of(row) - (0 if before is None else self._weight_of(before))
        rows[key] = row
