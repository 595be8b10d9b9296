"""Hours of a circuit's channels as one row: what a page reads of a month lies in a few places.

A row of lists cost as much as its 2,048 neighbours, whose lists were unpacked with it: a month of a
circuit took 100 ms to read at 80,000 channels. A pack is found by its place and unpacked alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from processors.observations import Bool, Float64, Int64, integers, integers_or_zero

COLUMNS: Final = (
    "channel_key", "start_s", "latency_count", "latency_sum_us", "latency_max_us", "lost_count",
    "jitter_count", "jitter_sum_us", "jitter_max_us", "loss_count", "loss_sum_ppm", "loss_max_ppm",
    "rx_count", "rx_sum_high", "rx_sum_low", "rx_max_bps",
    "tx_count", "tx_sum_high", "tx_sum_low", "tx_max_bps",
)  # fmt: skip
"""Whole numbers; of sums that may be beyond 64 bits, both halves. A greatest value is -1 where
there is none."""
KEYS: Final = 2
"""Of COLUMNS the first, which say where a row belongs; all others are counts, sums, maxima."""
LOWS: Final = ("jitter_low_us", "loss_low_ppm", "rx_low_bps", "tx_low_bps")
"""The least mean of a step; NaN where there is none."""

_CODEC: Final = pa.Codec("zstd", compression_level=1)
PACK_SECONDS_MAX: Final = 8 * DAY_SECONDS
_PLACE_SECONDS: Final = 4 * PACK_SECONDS_MAX
_PLACES: Final = 1 << 16
_HEAD: Final = 2

Int32 = npt.NDArray[np.int32]


def place_of(circuit_key: int, second: int) -> int:
    """Return what packs of a circuit that begin in the same 32 days are found by.

    `circuit_key`: the least key of the circuit's channels.
    """
    return circuit_key * _PLACES + second // _PLACE_SECONDS


@dataclass(frozen=True, slots=True)
class Pack:
    """Hours of channels: COLUMNS and LOWS by row; the counts of their buckets, row after row."""

    whole: Int64  # COLUMNS × rows
    lows: Float64  # LOWS × rows
    lengths: Int64  # buckets of each row
    bucket: Int32
    count: Int64

    @classmethod
    def of(cls, found: pa.Table) -> "Pack":
        """Take rows with COLUMNS, LOWS, latency_buckets and latency_counts."""
        lengths, bucket, count = lists_of(found)
        return cls(
            np.stack([column_of(found, name) for name in COLUMNS]),
            np.stack([found.column(name).to_numpy() for name in LOWS]),
            lengths,
            bucket.astype(np.int32),
            count,
        )

    @classmethod
    def together(cls, packs: Sequence["Pack"]) -> "Pack":
        """Put packs one after the other."""
        if len(packs) == 1:
            return packs[0]
        return cls(
            np.concatenate([_NONE.whole, *(pack.whole for pack in packs)], axis=1),
            np.concatenate([_NONE.lows, *(pack.lows for pack in packs)], axis=1),
            np.concatenate([_NONE.lengths, *(pack.lengths for pack in packs)]),
            np.concatenate([_NONE.bucket, *(pack.bucket for pack in packs)]),
            np.concatenate([_NONE.count, *(pack.count for pack in packs)]),
        )

    @classmethod
    def decoded(cls, content: bytes, size: int) -> "Pack":
        """Return what `encoded` made, of so many bytes."""
        raw = _CODEC.decompress(content, size)
        rows, counts = np.frombuffer(raw, np.int64, _HEAD).tolist()
        width = len(COLUMNS)
        at = 8 * _HEAD
        whole = np.frombuffer(raw, np.int64, width * rows, at).reshape(width, rows)
        at += whole.nbytes
        lows = np.frombuffer(raw, np.float64, len(LOWS) * rows, at).reshape(len(LOWS), rows)
        at += lows.nbytes
        lengths = np.frombuffer(raw, np.int64, rows, at)
        count = np.frombuffer(raw, np.int64, counts, at + lengths.nbytes)
        bucket = np.frombuffer(raw, np.int32, counts, at + lengths.nbytes + count.nbytes)
        return cls(whole, lows, lengths, bucket, count)

    def encoded(self) -> tuple[bytes, int]:
        """Return the pack as bytes, and how many they are unpacked."""
        raw = b"".join(
            (
                np.array([len(self), len(self.bucket)], np.int64).tobytes(),
                self.whole.tobytes(),
                self.lows.tobytes(),
                self.lengths.tobytes(),
                self.count.tobytes(),
                self.bucket.tobytes(),
            )
        )
        return _CODEC.compress(raw, asbytes=True), len(raw)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lengths)

    @property
    def channel_key(self) -> Int64:
        """Of each row."""
        keys: Int64 = self.whole[0]
        return keys

    @property
    def start_s(self) -> Int64:
        """Of each row."""
        starts: Int64 = self.whole[1]
        return starts

    def take(self, rows: Bool) -> "Pack":
        """Return some of the rows."""
        many = np.repeat(rows, self.lengths)
        return Pack(
            np.compress(rows, self.whole, axis=1),  # rows of it stay contiguous
            np.compress(rows, self.lows, axis=1),
            self.lengths[rows],
            self.bucket[many],
            self.count[many],
        )

    def cut(self, first: Int64) -> list["Pack"]:
        """Return the pack in pieces that begin at rows `first`, the first of them at row 0."""
        ends = np.append(first[1:], len(self))
        many = np.append(0, np.cumsum(self.lengths))
        return [
            Pack(
                self.whole[:, lower:upper],
                self.lows[:, lower:upper],
                self.lengths[lower:upper],
                self.bucket[many[lower] : many[upper]],
                self.count[many[lower] : many[upper]],
            )
            for lower, upper in zip(first.tolist(), ends.tolist(), strict=True)
        ]


_NONE: Final = Pack(
    np.zeros((len(COLUMNS), 0), np.int64),
    np.zeros((len(LOWS), 0), np.float64),
    np.zeros(0, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.int64),
)


Placed = tuple[int, int, Pack]
"""Its place, where it begins, and the pack."""


def table_of(packs: Sequence[Placed]) -> pa.Table:
    """Return packs as rows of the table `rollup_packs`."""
    encoded = [pack.encoded() for _, _, pack in packs]
    return pa.table(
        {
            "place": pa.array([place for place, _, _ in packs], pa.int64()),
            "from_s": pa.array([from_s for _, from_s, _ in packs], pa.int64()),
            "size": pa.array([size for _, size in encoded], pa.int32()),
            "content": pa.array([content for content, _ in encoded], pa.binary()),
        }
    )


def packs_of(found: pa.Table) -> list[Placed]:
    """Return what `table_of` made."""
    return _decoded(zip(*(found.column(name).to_pylist() for name in _TABLE), strict=True))


def packs_at(
    cursor: duckdb.DuckDBPyConnection, circuit_key: int, from_s: int, to_s: int
) -> list[Placed]:
    """Return the packs of a circuit that hold what there is of whole days, [from_s, to_s).

    An hour lies in a pack that begins on its day, at or before it, or in the longest there is,
    which may hold other days, too.
    """
    asked = {
        "first_place": place_of(circuit_key, from_s),
        "last_place": place_of(circuit_key, to_s - 1),
        "from_s": from_s,
        "to_s": to_s,
        "longest_s": from_s // PACK_SECONDS_MAX * PACK_SECONDS_MAX,
    }
    return _decoded(cursor.execute(statement("processors", "packs_at"), asked).fetchall())


def _decoded(rows: Iterable[tuple[int, int, int, bytes]]) -> list[Placed]:
    return [(place, from_s, Pack.decoded(content, size)) for place, from_s, size, content in rows]


_TABLE: Final = ("place", "from_s", "size", "content")


def column_of(found: pa.Table, name: str) -> Int64:
    """Return one of COLUMNS of a table; -1 where it is null."""
    if found.column(name).null_count == 0:
        return integers(found, name)
    return np.where(found.column(name).is_null().to_numpy(), -1, integers_or_zero(found, name))


def reordered(
    order: Int64, lengths: Int64, bucket: Int64, count: Int64
) -> tuple[Int64, Int64, Int64]:
    """Return lists that `lists_of` gave, those of row order[0] first."""
    begins = (np.cumsum(lengths) - lengths)[order]
    lengths = lengths[order]
    # each place within its own list, from where the list began
    at = np.arange(lengths.sum()) + np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    return lengths, bucket[at], count[at]


def lists_of(found: pa.Table) -> tuple[Int64, Int64, Int64]:
    """Return how many buckets each row has, and all buckets and counts, row after row."""
    buckets, counts = (
        found.column(name).combine_chunks() for name in ("latency_buckets", "latency_counts")
    )
    return (
        pc.fill_null(pc.list_value_length(buckets), 0).to_numpy().astype(np.int64),
        buckets.flatten().to_numpy().astype(np.int64),
        counts.flatten().to_numpy().astype(np.int64),
    )
