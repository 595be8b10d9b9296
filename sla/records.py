"""What is written down beside the numbers: alarms and the ledger, as far as a reader may see."""

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from linksla.clock import utc
from linksla.inventory import DAY_SECONDS, Inventory
from linksla.sql import statement
from sla.answers import AlarmAnswer, LedgerLine
from sla.periods import Ownership

NODE: Final = ""
"""What alarms of the node itself have in place of a circuit."""

Seen = Mapping[str, Sequence[Ownership]]
"""Circuits that exist for a reader, with what of their time may be seen."""


def read_alarms(
    cursor: duckdb.DuckDBPyConnection,
    inventory: Inventory,
    seen: Seen,
    *,
    raised_only: bool,
    whole_stream: bool = False,
) -> tuple[AlarmAnswer, ...]:
    """Return alarms as they stand, of events in time that may be seen.

    Those of the node itself, which have no circuit, to who sees the whole stream.
    """
    wanted = [*seen, NODE] if whole_stream else list(seen)
    rows = cursor.execute(
        statement("sla", "alarms"), {"circuit_ids": wanted, "raised_only": raised_only}
    ).fetchall()
    found = []
    for alarm, revision, circuit_id, kind, qualifier, severity, condition, at, told, why in rows:
        if circuit_id == NODE:
            found.append(
                AlarmAnswer(
                    alarm, revision, NODE, "", kind, qualifier, severity, condition, at, told, why
                )
            )
        elif any(own.start_s <= at < own.end_s for own in seen[circuit_id]):
            customer = inventory.circuits[circuit_id].owner_at(at)
            found.append(
                AlarmAnswer(
                    alarm, revision, circuit_id, customer or "", kind, qualifier, severity,
                    condition, at, told, why,
                )
            )  # fmt: skip
    return tuple(found)


def read_ledger(
    cursor: duckdb.DuckDBPyConnection, seen: Seen, *, whole_stream: bool
) -> tuple[LedgerLine, ...]:
    """Return the ledger's counts of days that may be seen; of all days to who sees the stream."""
    rows = cursor.execute(
        statement("sla", "ledger"), {"circuit_ids": list(seen), "whole_stream": whole_stream}
    ).fetchall()
    return tuple(
        LedgerLine(kind, name, channel, None if day is None else _date(day), count, detail)
        for kind, name, channel, day, count, detail in rows
        if whole_stream or name is None or _sees_day(seen[name], day)
    )


def _date(day: int) -> str:
    return utc(day * DAY_SECONDS).strftime("%Y-%m-%d")


def _sees_day(owns: Sequence[Ownership], day: int | None) -> bool:
    """Return whether a UTC day (or an entry without one) lies in what may be seen."""
    return day is None or any(
        own.start_s < (day + 1) * DAY_SECONDS and own.end_s > day * DAY_SECONDS for own in owns
    )
