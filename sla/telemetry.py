"""What the judge reads of the telemetry store: channels, horizons, provisional spans."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from linksla.sql import statement
from sla.runs import LiveSpan


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel as the writer registered it; `active_to_s` None: still."""

    circuit_id: str
    channel: str
    channel_key: int
    active_from_s: int
    active_to_s: int | None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """All the judge needs to know about some circuits, read in one transaction."""

    channels: dict[str, tuple[ChannelRow, ...]]
    complete_up_to_s: dict[str, int]
    live_to_s: dict[str, int]
    live: dict[int, tuple[LiveSpan, ...]]  # by channel key
    fingerprints: dict[str, tuple[object, ...]]


def read(cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]) -> Telemetry:
    """Read channels, both horizons and the provisional spans of circuits."""
    ids = {"circuit_ids": list(circuit_ids)}
    channels: dict[str, list[ChannelRow]] = {}
    for row in cursor.execute(statement("sla", "circuit_channels"), ids).fetchall():
        channels.setdefault(row[0], []).append(ChannelRow(*row))
    complete = dict(cursor.execute(statement("sla", "horizons"), ids).fetchall())
    fingerprints = {
        row[0]: tuple(row[1:])
        for row in cursor.execute(statement("sla", "fingerprints"), ids).fetchall()
    }
    return Telemetry(
        {name: tuple(rows) for name, rows in channels.items()}, complete, {}, {}, fingerprints
    )
