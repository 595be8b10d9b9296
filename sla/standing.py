"""How the verdicts of months stand: the latest calculation of each, and how they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Final

import duckdb

from linksla.sql import statement
from sla.latest import Latest

_KEPT_MAX: Final = 65_536
"""Months, and their circuits, of some 600 bytes: 40 MB. 20,000 circuits of two months each; of
more, those that were judged of late. To read them took 9 ms a poll, more with each month."""

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


def standing_verdicts() -> Latest[str, Standing]:
    """Return a memory of how verdicts stand, by month; nothing is read yet."""
    return Latest(statement("sla", "verdict_count"), _read, _KEPT_MAX)


def _read(
    writer: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
) -> Iterator[tuple[str, str, Standing]]:
    rows = writer.execute(
        statement("sla", "verdicts_standing"), {"circuit_ids": list(circuit_ids)}
    ).fetchall()
    for name, month, version, verdicts, basis in rows:
        # most months of a network say the same: one text for all
        yield name, intern(month), Standing(version, intern(verdicts), basis)
