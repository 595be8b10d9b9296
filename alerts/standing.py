"""How the alarms of circuits stand: the latest revision of each, remembered."""

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb

from alerts.alarms import Alarm, AlarmKey, Standing, Withholding
from alerts.conditions import AlarmType, Severity
from linksla.sql import statement
from sla.latest import Latest

_KEPT_MAX: Final = 65_536
"""Alarms of some 700 bytes, and their circuits. To read them took 5 ms a poll, more with each
revision."""


def standing_alarms() -> Latest[AlarmKey, Alarm]:
    """Return a memory of how the alarms of circuits stand; nothing is read yet."""
    return Latest(statement("alerts", "alarms_count"), _read, _KEPT_MAX)


def _read(
    writer: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
) -> Iterator[tuple[str, AlarmKey, Alarm]]:
    rows = writer.execute(
        statement("alerts", "alarms_standing"), {"circuit_ids": list(circuit_ids)}
    ).fetchall()
    for (
        _, revision, circuit_id, kind, qualifier, severity, condition, event_at_s, reason,
        known_outside, withholding,
    ) in rows:  # fmt: skip
        key = AlarmKey(circuit_id, AlarmType(kind), qualifier)
        yield circuit_id, key, Alarm(
            key, revision, Severity(severity), Standing(condition), event_at_s, reason,
            bool(known_outside), Withholding(withholding),
        )  # fmt: skip
