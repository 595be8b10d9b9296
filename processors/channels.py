"""Channels by key: what the inventory knows, numbered densely, keys never reused."""

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linksla.clock import MICROSECONDS
from linksla.errors import ConfigError
from linksla.inventory import Inventory
from linksla.sql import statement
from linksla.wire import partition_of
from processors.distributions import asked_of
from processors.observations import Int64

FOREVER_S: Final = 1 << 40
"""The end of what has no end: beyond every instant a sample can name."""
UNKNOWN_KEY: Final = 0

_LANES_MAX: Final = 64
"""So many different names of channels in a whole network are a table: most have four."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The channel_key of each circuit (row) and channel name (column); row and column 0: none.

    Names are found by Arrow, outside Python's lock: 1 ms for a commit of 33,000 samples of 20,000
    circuits, where looking up each circuit's name took 5.
    """

    circuits: pa.Array  # the first has row 1
    names: pa.Array  # the first has column 1
    keys: Int64

    @classmethod
    def of(cls, keys: dict[tuple[str, str], int]) -> "Lanes | None":
        """Return the table of these keys, None where names are too many for one."""
        rows = {name: n for n, name in enumerate(dict.fromkeys(c for c, _ in keys), 1)}
        columns = {name: n for n, name in enumerate(dict.fromkeys(name for _, name in keys), 1)}
        if len(columns) > _LANES_MAX:
            return None
        table = np.full((len(rows) + 1, len(columns) + 1), UNKNOWN_KEY, np.int64)
        for (circuit, name), key in keys.items():
            table[rows[circuit], columns[name]] = key
        return cls(pa.array(list(rows), pa.string()), pa.array(list(columns), pa.string()), table)

    def keys_of(self, circuit: pa.ChunkedArray, name: pa.ChunkedArray) -> Int64:
        """Return the keys of pairs of circuit and channel name."""
        found: Int64 = self.keys[_numbers_in(self.circuits, circuit), _numbers_in(self.names, name)]
        return found


def _numbers_in(known: pa.Array, texts: pa.ChunkedArray) -> Int64:
    """Return which of the known texts each is, counted from 1; 0: none of them."""
    places = pc.fill_null(pc.index_in(texts, value_set=known), -1)
    numbers: Int64 = places.to_numpy().astype(np.int64) + 1
    return numbers


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels ever registered; arrays by channel_key, row 0 stands for no channel.

    `keys` holds only what the inventory names today: samples of the others are pending. `lanes`
    are the same as a table, where there is one.
    """

    keys: dict[tuple[str, str], int]
    circuit_ids: tuple[str, ...]
    names: tuple[str, ...]
    partition: Int64
    grid_s: Int64
    active_from_s: Int64
    active_to_s: Int64
    distributions: Int64  # bits of what is counted by buckets beside latency
    lanes: Lanes | None

    def __len__(self) -> int:
        """Return one more than the greatest key."""
        return len(self.circuit_ids)

    def keys_of(self, samples: pa.Table) -> Int64:
        """Return the channel_key of each sample, UNKNOWN_KEY where the inventory knows none."""
        if self.lanes is not None:
            return self.lanes.keys_of(samples.column("circuit_id"), samples.column("channel"))
        circuit = samples.column("circuit_id").combine_chunks().dictionary_encode()
        channel = samples.column("channel").combine_chunks().dictionary_encode()
        circuits, names = circuit.dictionary.to_pylist(), channel.dictionary.to_pylist()
        of_circuit, of_name = circuit.indices.to_numpy(), channel.indices.to_numpy()
        code = of_circuit.astype(np.int64) * len(names) + of_name
        pairs, inverse = np.unique(code, return_inverse=True)
        return self._looked_up(pairs, circuits, names)[inverse]

    def _looked_up(
        self, pairs: npt.NDArray[np.intp], circuits: list[str], names: list[str]
    ) -> Int64:
        width, keys = len(names), self.keys
        found = [
            keys.get((circuits[pair // width], names[pair % width]), UNKNOWN_KEY)
            for pair in pairs.tolist()
        ]
        return np.array(found, np.int64)


@dataclass(frozen=True, slots=True)
class _Registered:
    partition: int
    grid_seconds: int
    active_from_s: int
    active_to_s: int | None


def register(
    writer: duckdb.DuckDBPyConnection, inventory: Inventory, partitions: int
) -> frozenset[int]:
    """Bring the table `channels` up to the inventory; return the keys that are new.

    Raises:
        ConfigError: a circuit's grid is not the one its history was cut with.
    """
    stored = {
        (circuit_id, name): (key, _Registered(*rest))
        for key, circuit_id, name, *rest in writer.execute(
            statement("processors", "channels")
        ).fetchall()
    }
    next_key = 1 + max((key for key, _ in stored.values()), default=UNKNOWN_KEY)
    rows: list[tuple[int, str, str, int, int, int, int | None]] = []
    new: set[int] = set()
    for circuit in inventory.circuits.values():
        for channel in circuit.channels:
            start, end = circuit.channel_active(channel)
            wanted = _Registered(
                partition_of(circuit.id, partitions), circuit.grid_seconds, start, end
            )
            key, known = stored.get((circuit.id, channel.name), (next_key, None))
            if known == wanted:
                continue
            if known is None:
                new.add(key)
                next_key += 1
            elif known.grid_seconds != wanted.grid_seconds:
                raise ConfigError(
                    f"circuit {circuit.id!r} has a grid of {known.grid_seconds} s since its first "
                    f"sample, the inventory now says {wanted.grid_seconds} s",
                    hint="A circuit's grid is fixed for its life: put it back, or use a new id.",
                )
            rows.append((key, circuit.id, channel.name, wanted.partition, wanted.grid_seconds,
                         start, end))  # fmt: skip
    if rows:
        changed = _table(rows)
        writer.register("changed_channels", changed)
        writer.execute(statement("processors", "channels_write"))
        writer.unregister("changed_channels")
    return frozenset(new)


def load_channels(writer: duckdb.DuckDBPyConnection, inventory: Inventory) -> Channels:
    """Read the table `channels`."""
    rows = writer.execute(statement("processors", "channels")).fetchall()
    size = 1 + max((row[0] for row in rows), default=UNKNOWN_KEY)
    circuit_ids, names = [""] * size, [""] * size
    numbers = np.ones((5, size), np.int64)
    asked = asked_of(writer, inventory)
    keys: dict[tuple[str, str], int] = {}
    for key, circuit_id, name, partition, grid_seconds, start, end in rows:
        circuit_ids[key], names[key] = circuit_id, name
        ends = FOREVER_S if end is None else end
        numbers[:, key] = partition, grid_seconds, start, ends, asked.get(circuit_id, 0)
        circuit = inventory.circuits.get(circuit_id)
        if circuit is not None and any(channel.name == name for channel in circuit.channels):
            keys[(circuit_id, name)] = key
    partition, grid_s, from_s, to_s, kept = numbers
    lanes = Lanes.of(keys)
    return Channels(
        keys, tuple(circuit_ids), tuple(names), partition, grid_s, from_s, to_s, kept, lanes
    )


def first_fold_s(grid_s: Int64, active_from_s: Int64, known_us: Int64) -> Int64:
    """Return where folding a new channel begins: on its grid, not after what is known by now."""
    instant: Int64 = np.minimum(active_from_s, known_us // MICROSECONDS) // grid_s * grid_s
    return instant


def _table(rows: list[tuple[int, str, str, int, int, int, int | None]]) -> pa.Table:
    names = (
        "channel_key", "circuit_id", "channel", "partition", "grid_seconds", "active_from_s",
        "active_to_s",
    )  # fmt: skip
    columns = list(zip(*rows, strict=True))
    types = (pa.int32(), pa.string(), pa.string(), pa.int16(), pa.int32(), pa.int64(), pa.int64())
    return pa.table(
        {
            name: pa.array(column, kind)
            for name, column, kind in zip(names, columns, types, strict=True)
        }
    )
