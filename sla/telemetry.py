"""What the judge reads of the telemetry store: channels, horizons, provisional spans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import duckdb

from linksla.sql import statement
from processors import tables
from processors.channels import FOREVER_S
from processors.held import Held
from processors.observations import Int64
from processors.runs import LOSS_CLASS_UNKNOWN, Runs
from sla.spans import LiveSpan, ReadSpans, SpanSource

if TYPE_CHECKING:
    from sla.past import Past
    from sla.readings import Readings

_SPANS_READ_CIRCUITS_MAX: Final = 256
"""Their spans of a year are some 400,000; of more circuits, what is needed is read when it is."""
_CHANNELS_MAX: Final = 16_384  # 4 MB; those of 4,096 circuits of four channels


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
    fingerprints: dict[str, tuple[int, int]]
    ledger_counts: dict[str, int]  # late, duplicate, conflicting: what may have changed rollups
    calculation_versions: dict[tuple[str, str], int]  # latest by circuit and month
    spans: ReadSpans | None = None  # None: more than are held at once
    readings: "dict[str, Readings] | None" = None  # by circuit; None: nobody asks several times

    def spans_by(self, cursor: duckdb.DuckDBPyConnection) -> SpanSource:
        """Return where spans are known from: what was read, else the snapshot's cursor."""
        return cursor if self.spans is None else self.spans


@dataclass(frozen=True, slots=True)
class Pace:
    """How far samples of circuits are apart at most, and when the newest of each was observed."""

    sampled_every_s: Mapping[str, int] = field(default_factory=dict)
    observed_at_s: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Horizons:
    """How far circuits are complete, and how far anything has arrived (DESIGN 6): by number.

    Arrays, for all circuits are asked about once a second: dictionaries of 20,000 took 12 ms.
    """

    circuit_ids: Sequence[str]
    complete_up_to_s: Int64
    live_to_s: Int64  # 0: nothing has
    pace: Callable[[], Pace] = Pace
    """Asked only where something is late: of 20,000 circuits it takes 5 ms."""


def horizons(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None,
    held: Held | None = None,
) -> Horizons:
    """Return both horizons of those circuits that have them.

    None: of all, also of those that the inventory names no more. `held`: what the cursor shows.
    """
    stands = _stands(cursor, circuit_ids, tables.ALL_KEYS, held)
    return Horizons(
        stands.circuit_ids,
        stands.complete_s(),
        stands.live_s(),
        lambda: Pace(stands.sampled_every(), stands.observed_at()),
    )


def _stands(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None,
    keys: tuple[int, int],
    held: Held | None,
) -> tables.Stands:
    if held is None:
        return tables.stands(cursor, circuit_ids, keys)
    return tables.held_stands(held, circuit_ids)


def complete_up_to(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None = None,
    held: Held | None = None,
) -> dict[str, int]:
    """Return up to where each of those circuits is complete that have channels; None: of all."""
    return _stands(cursor, circuit_ids, tables.ALL_KEYS, held).complete_up_to()


def channels(
    cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str], held: Held | None = None
) -> dict[str, tuple[ChannelRow, ...]]:
    """Return the channels of those circuits that the writer has registered, by key."""
    if held is not None:
        return {
            name: tuple([_held_channel(held, key) for key in keys])
            for name, keys in sorted(held.named(circuit_ids).items())
        }
    found: dict[str, list[ChannelRow]] = {}
    names = list(circuit_ids)
    bounds = {"first_id": min(names, default=""), "last_id": max(names, default="")}
    rows = cursor.execute(
        statement("sla", "circuit_channels"), {"circuit_ids": names} | bounds
    ).fetchall()
    for row in rows:
        found.setdefault(row[0], []).append(_channel(*row))
    return {name: tuple(rows) for name, rows in found.items()}


def _held_channel(held: Held, key: int) -> ChannelRow:
    known = held.channels
    active_to_s = int(known.active_to_s[key])
    return _channel(
        known.circuit_ids[key],
        known.names[key],
        key,
        int(known.active_from_s[key]),
        None if active_to_s == FOREVER_S else active_to_s,
    )


@lru_cache(_CHANNELS_MAX)
def _channel(
    circuit_id: str, channel: str, channel_key: int, active_from_s: int, active_to_s: int | None
) -> ChannelRow:
    """Return the row, the same for the same values: what is one object is compared at once."""
    return ChannelRow(circuit_id, channel, channel_key, active_from_s, active_to_s)


def read(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str],
    held: Held | None = None,
    versions: Mapping[tuple[str, str], int] | None = None,
    past: "Past | None" = None,
) -> Telemetry:
    """Read channels, both horizons, spans and provisional spans of circuits.

    `held`: what the writer holds of the commit that the cursor shows. `versions`: the latest
    calculation by circuit and month, where it is known. `past`: what is remembered.
    """
    ids = {"circuit_ids": list(circuit_ids)}
    known = channels(cursor, circuit_ids, held)
    keys = {name: [row.channel_key for row in rows] for name, rows in known.items()}
    numbers = [number for some in keys.values() for number in some]
    first, last = min(numbers, default=0), max(numbers, default=0)
    stands = _stands(cursor, circuit_ids, (first, last), held)
    complete_up_to_s = stands.complete_up_to()
    spans: ReadSpans | None = None
    if len(known) <= _SPANS_READ_CIRCUITS_MAX:
        if past is None or held is None:
            spans = ReadSpans.of(cursor, numbers)
        else:
            spans = past.spans.of(cursor, known, complete_up_to_s, held)
        fingerprints = spans.fingerprints(keys)
    else:
        fingerprints = _fingerprints(cursor, {**ids, "first_key": first, "last_key": last})
    if versions is None:
        ledger, versions = _counts(cursor, circuit_ids)
    elif past is not None and held is not None:
        ledger = past.ledger.counts(cursor, keys, held)
    else:
        counts = cursor.execute(statement("sla", "ledger_counts"), ids).fetchall()
        ledger = dict(counts)
    return Telemetry(
        known,
        complete_up_to_s,
        stands.live_to(),
        _live_spans(tables.provisional_spans(held or cursor, stands)),
        fingerprints,
        ledger,
        dict(versions),
        spans,
    )


def _counts(
    cursor: duckdb.DuckDBPyConnection, circuit_ids: Sequence[str]
) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Return how much is in the ledger, by circuit, and the latest calculation of each month."""
    if len(circuit_ids) == 1:
        asked = {"circuit_id": circuit_ids[0]}
        rows = cursor.execute(statement("sla", "counts_of_circuit"), asked).fetchall()
        counts = [(circuit_ids[0], month, number) for month, number in rows]
    else:
        ids = {"circuit_ids": list(circuit_ids)}
        counts = cursor.execute(statement("sla", "circuit_counts"), ids).fetchall()
    ledger: dict[str, int] = {}
    versions: dict[tuple[str, str], int] = {}
    for name, month, number in counts:
        if month:
            versions[name, month] = max(number, versions.get((name, month), 0))
        else:
            ledger[name] = ledger.get(name, 0) + number
    return ledger, versions


def _fingerprints(
    cursor: duckdb.DuckDBPyConnection, asked: Mapping[str, object]
) -> dict[str, tuple[int, int]]:
    rows = cursor.execute(statement("sla", "fingerprints"), dict(asked)).fetchall()
    return {name: (spans, int(content)) for name, spans, content in rows}


def _live_spans(runs: Runs) -> dict[int, tuple[LiveSpan, ...]]:
    found: dict[int, list[LiveSpan]] = {}
    columns = (runs.track, runs.start_s, runs.end_s, runs.bgp, runs.loss_class)
    for key, start_s, end_s, bgp, loss_class in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        measured = None if loss_class == LOSS_CLASS_UNKNOWN else loss_class
        found.setdefault(key, []).append(LiveSpan(key, start_s, end_s, bgp, measured))
    return {key: tuple(spans) for key, spans in found.items()}
