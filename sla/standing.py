"""How the verdicts of months stand: the latest calculation of each, and how they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Final

import duckdb

from linksla.sql import statement
from sla.latest import Latest

_WEIGHT_MAX: Final = 500_000
"""Of some 100 bytes: 50 MB. A circuit weighs 4, an open month 6, a final one 1: 20,000 circuits of
nine months; of more, those that were judged of late. To read them took 9 ms a poll, 3 where all but
a third were known, more with each month."""
_CIRCUIT, _OPEN, _FINAL = 4, 6, 1
_TEXTS_MAX: Final = 4_096  # most final months of a network say the same

Month = tuple[str, str]
"""A circuit and one of its months."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The latest calculation of a month.

    `verdicts` is what may not change silently, `basis` what the next answer is compared with;
    None: it is not at hand, and the table's payload says it. A final month hardly ever changes.
    """

    version: int
    verdicts: str
    basis: str | None

    @classmethod
    def of(cls, version: int, verdicts: str, basis: str | None, *, final: bool) -> "Standing":
        """Return how a month stands: one object for all that are final and say the same."""
        return _final(version, verdicts) if final else cls(version, intern(verdicts), basis)


@lru_cache(_TEXTS_MAX)
def _final(version: int, verdicts: str) -> Standing:
    return Standing(version, verdicts, None)


def standing_verdicts() -> Latest[str, Standing]:
    """Return a memory of how verdicts stand, by month; nothing is read yet."""
    return Latest(statement("sla", "verdict_count"), _read, _WEIGHT_MAX, _CIRCUIT, _weight)


def _weight(one: Standing) -> int:
    return _FINAL if one.basis is None else _OPEN


def _read(
    writer: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
) -> Iterator[tuple[str, str, Standing]]:
    rows = writer.execute(
        statement("sla", "verdicts_standing"), {"circuit_ids": list(circuit_ids)}
    ).fetchall()
    for name, month, version, verdicts, basis, final in rows:
        yield name, intern(month), Standing.of(version, verdicts, basis, final=final)
