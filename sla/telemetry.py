"""What the judge reads of the telemetry store: channels, horizons, provisional spans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from linksla.sql import statement
from processors import tables
from sla.spans import LiveSpan

_SPAN_COLUMNS: Final = ("channel_key", "start_s", "end_s", "bgp", "loss_class")


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
    ledger_counts: dict[str, int]  # late, duplicate, conflicting: what may have changed rollups
    calculation_versions: dict[tuple[str, str], int]  # latest by circuit and month


@dataclass(frozen=True, slots=True)
class Horizons:
    """How far circuits are complete, and how far anything has arrived (DESIGN 6)."""

    complete_up_to_s: dict[str, int]
    live_to_s: dict[str, int]


def horizons(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str],
    keys: tuple[int, int] = tables.ALL_KEYS,
) -> Horizons:
    """Return both horizons of those circuits that have them; `keys`: where their channels lie."""
    complete = tables.complete_up_to(cursor, circuit_ids, keys)
    return Horizons(complete, tables.live_to(cursor, circuit_ids, keys))


def complete_up_to(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return up to where each circuit is complete."""
    return tables.complete_up_to(cursor)


def channels(
    cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
) -> dict[str, tuple[ChannelRow, ...]]:
    """Return the channels of those circuits that the writer has registered, by key."""
    found: dict[str, list[ChannelRow]] = {}
    names = list(circuit_ids)
    bounds = {"first_id": min(names, default=""), "last_id": max(names, default="")}
    rows = cursor.execute(
        statement("sla", "circuit_channels"), {"circuit_ids": names} | bounds
    ).fetchall()
    for row in rows:
        found.setdefault(row[0], []).append(ChannelRow(*row))
    return {name: tuple(rows) for name, rows in found.items()}


def read(cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]) -> Telemetry:
    """Read channels, both horizons and the provisional spans of circuits."""
    ids = {"circuit_ids": list(circuit_ids)}
    known = channels(cursor, circuit_ids)
    numbers = [channel.channel_key for rows in known.values() for channel in rows]
    keys = min(numbers, default=0), max(numbers, default=0)
    range_ = {"first_key": keys[0], "last_key": keys[1]}
    fingerprints = {
        row[0]: tuple(row[1:])
        for row in cursor.execute(statement("sla", "fingerprints"), ids | range_).fetchall()
    }
    both = horizons(cursor, circuit_ids, keys)
    return Telemetry(
        known,
        both.complete_up_to_s,
        both.live_to_s,
        _live_spans(cursor, circuit_ids, keys),
        fingerprints,
        dict(cursor.execute(statement("sla", "ledger_counts"), ids).fetchall()),
        _calculation_versions(cursor, circuit_ids),
    )


def _live_spans(
    cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str], keys: tuple[int, int]
) -> dict[int, tuple[LiveSpan, ...]]:
    found: dict[int, list[LiveSpan]] = {}
    columns = tables.provisional_spans(cursor, list(circuit_ids), keys).to_pydict()
    rows = zip(*(columns[name] for name in _SPAN_COLUMNS), strict=True)
    for key, start_s, end_s, bgp, loss_class in rows:
        found.setdefault(key, []).append(LiveSpan(key, start_s, end_s, bgp, loss_class))
    return {key: tuple(spans) for key, spans in found.items()}


def _calculation_versions(
    cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
) -> dict[tuple[str, str], int]:
    rows = cursor.execute(
        statement("sla", "calculation_versions"), {"circuit_ids": list(circuit_ids)}
    ).fetchall()
    return {(circuit_id, month): version for circuit_id, month, version in rows}
