"""Messages of a stretch of history, partition by partition, in the order in which they are sent."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from linksla.wire import encode
from simulator.defects import REASON_OF, CorruptMessage, CorruptSample, corrupt
from simulator.faults import Corruption
from simulator.samples import arrivals, measurements_table
from simulator.world import SimulatedCircuit, World

CHUNK_SECONDS: Final = 4 * 86_400
"""How much of a partition's history is made at once: about 30,000 samples a circuit."""


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka record to be: its partition, its key (single samples only) and its value."""

    partition: int
    key: bytes | None
    value: bytes


@dataclass(slots=True)
class Emitted:
    """What was handed to Kafka. `samples` are the good ones, duplicates not counted."""

    samples: int = 0
    messages: int = 0
    late: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Emitted") -> None:
        """Add what another stretch handed over."""
        self.samples += other.samples
        self.messages += other.messages
        self.late += other.late
        self.duplicate += other.duplicate
        self.rejected += other.rejected

    def __add__(self, other: "Emitted") -> "Emitted":
        """Return the sum of two stretches."""
        total = Emitted()
        total.add(self)
        total.add(other)
        return total


def stretch(
    world: World, start_s: int, end_s: int, *, batch: int, emitted: Emitted
) -> Iterator[Message]:
    """Yield what the world sends in [start_s, end_s), counting it in `emitted`.

    `batch` 1: single samples, keyed by circuit; n: batches of up to n samples of one partition.
    Within a partition in time order; partitions take turns every CHUNK_SECONDS.
    """
    partitions: dict[int, list[SimulatedCircuit]] = {}
    for circuit in sorted(world.circuits, key=lambda c: c.id):
        partitions.setdefault(circuit.partition, []).append(circuit)
    for low, high in _chunks(world, start_s, end_s):
        for partition, circuits in sorted(partitions.items()):
            yield from _chunk(world, partition, circuits, (low, high), batch, emitted)


def _chunks(world: World, start_s: int, end_s: int) -> Iterator[tuple[int, int]]:
    """Cut a stretch into chunks, none over the end of history, where the interval changes."""
    at = start_s
    while at < end_s:
        until = min(at + CHUNK_SECONDS, end_s)
        if at < world.end_s < until:
            until = world.end_s
        yield at, until
        at = until


def _chunk(
    world: World,
    partition: int,
    circuits: Sequence[SimulatedCircuit],
    span: tuple[int, int],
    batch: int,
    emitted: Emitted,
) -> Iterator[Message]:
    came = arrivals(world, circuits, *span)
    table = came.table
    emitted.samples += len(table) - came.duplicate
    emitted.late += came.late
    emitted.duplicate += came.duplicate
    rows: list[tuple[int, pa.Table]] = []
    whole: list[bytes] = []
    for at_s, made in _corrupt(world, circuits, span, emitted):
        if isinstance(made, CorruptSample):
            rows.append((at_s, made.row))
        else:
            whole.append(made.value)
    table = _mixed_in(table, rows)
    values = encode(table, batch=batch)
    keys = [None] * len(values) if batch > 1 else _keys(table)
    for key, value in zip(keys, values, strict=True):
        yield Message(partition, key, value)
    for value in whole:
        yield Message(partition, None, value)
    emitted.messages += len(values) + len(whole)


def _keys(table: pa.Table) -> list[bytes]:
    keys: list[bytes] = table["circuit_id"].cast(pa.binary()).to_pylist()
    return keys


def _corrupt(
    world: World, circuits: Sequence[SimulatedCircuit], span: tuple[int, int], emitted: Emitted
) -> Iterator[tuple[int, CorruptMessage | CorruptSample]]:
    ids = {circuit.id: circuit for circuit in circuits}
    for injection in world.injections:
        if not isinstance(injection, Corruption) or injection.circuit_id not in ids:
            continue
        circuit = ids[injection.circuit_id]
        for at_s, defect in zip(injection.at_s, injection.defects, strict=True):
            if span[0] <= at_s < span[1]:
                interval = world.interval_at(at_s)
                slot = at_s // interval * interval
                channel = circuit.channel(injection.channels[0])
                good = measurements_table(world, circuit, channel, slot, slot + interval)
                emitted.rejected[REASON_OF[defect].value] += 1
                yield at_s, corrupt(good, defect, circuit.active_from_s)


def _mixed_in(table: pa.Table, rows: Sequence[tuple[int, pa.Table]]) -> pa.Table:
    """Return the table with each corrupt row after the samples of its time, among good ones."""
    if not rows:
        return table
    observed_us = table["observed_at"].cast(pa.int64()).to_numpy()
    together = pa.concat_tables([table, *(row for _, row in rows)])
    order = np.arange(len(table))
    places = np.searchsorted(
        np.maximum.accumulate(observed_us), [at * 1_000_000 for at, _ in rows], side="right"
    )
    return together.take(np.insert(order, places, np.arange(len(table), len(together))))
