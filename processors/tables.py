"""What `sla` reads of the processors: table names, and what lies beyond the watermark.

Tables: `spans` (complete), `rollups` (view) and `latency_histogram`, `channels`, `ledger`; their
grain and columns are in the first migration. Every function materialises its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from processors.cells import Tracks, fold
from processors.channels import FOREVER_S
from processors.moved import moved_within
from processors.observations import Int64, Observations, bounds_of, integers
from processors.runs import Runs
from processors.seen import NEVER_SEEN_US, seen_of
from processors.statements import read

SPANS: Final = "spans"
ROLLUPS: Final = "rollups"
LATENCY_HISTOGRAM: Final = "latency_histogram"
CHANNELS: Final = "channels"
LEDGER: Final = "ledger"

ALL_KEYS: Final = (0, 2**31 - 1)
"""From the first to the last channel_key: whoever knows those of the circuits spares the rest."""


@dataclass(frozen=True, slots=True)
class Stands:
    """How far channels are, in no order: parallel arrays; `circuit` numbers `circuit_ids`.

    `live_to_s`: the end of the latest cell in which any sample of the circuit starts; 0: none did.
    """

    circuit_ids: Sequence[str]
    circuit: Int64
    channel_key: Int64
    tracks: Tracks  # from folded_to_s to live_to_s
    reach_us: Int64  # where the earliest sample that may say something beyond folded_to_s lies

    def complete_up_to(self) -> dict[str, int]:
        """Return the instant, in epoch seconds, before which all is in, by circuit."""
        least = np.full(len(self.circuit_ids), FOREVER_S, np.int64)
        np.minimum.at(least, self.circuit, self.tracks.from_s)
        return dict(zip(self.circuit_ids, least.tolist(), strict=True))

    def live_to(self) -> dict[str, int]:
        """Return the end of the latest cell a sample starts in, by circuit that has had one."""
        ends = np.zeros(len(self.circuit_ids), np.int64)
        ends[self.circuit] = self.tracks.to_s
        return {name: end for name, end in zip(self.circuit_ids, ends.tolist(), strict=True) if end}


def stands(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None = None,
    keys: tuple[int, int] = ALL_KEYS,
) -> Stands:
    """Return how far the channels of circuits are; None: of all."""
    names = None if circuit_ids is None else list(circuit_ids)
    asked = {"circuit_ids": names, "first_key": keys[0], "last_key": keys[1]}
    found = read(cursor, "stands", asked | {"forever_s": FOREVER_S})
    ids = found.column("circuit_id").combine_chunks().dictionary_encode()
    circuit = ids.indices.to_numpy().astype(np.int64)
    grid, folded = integers(found, "grid_seconds"), integers(found, "folded_to_s")
    newest = np.full(len(ids.dictionary), NEVER_SEEN_US, np.int64)
    channel_key = integers(found, "channel_key")
    seen = np.maximum(integers(found, "observed_at_us_max"), seen_of(cursor, channel_key))
    np.maximum.at(newest, circuit, seen)
    cells = newest[circuit] // MICROSECONDS // grid + 1
    live_to_s = np.where(newest[circuit] < 0, 0, cells * grid)
    tracks = Tracks(
        grid, folded, live_to_s, integers(found, "active_from_s"), integers(found, "active_to_s")
    )
    reach_us = folded * MICROSECONDS - integers(found, "interval_us_max")
    return Stands(ids.dictionary.to_pylist(), circuit, channel_key, tracks, reach_us)


def provisional_spans(cursor: duckdb.DuckDBPyConnection, stands: Stands) -> Runs:
    """Return the spans of whole cells from complete up to live, by (channel_key, start_s).

    The same rules of evidence as for the table `spans`; later samples may still change them.
    """
    rows = np.flatnonzero(stands.tracks.from_s < stands.tracks.to_s)
    if len(rows) == 0:
        return Runs.none()
    rows = rows[np.argsort(stands.channel_key[rows])]
    key, lo_us, tracks = stands.channel_key[rows], stands.reach_us[rows], stands.tracks.take(rows)
    hi_us = tracks.to_s * MICROSECONDS
    stretches = pa.table(
        {"track": np.arange(len(key)), "channel_key": key, "lo_us": lo_us, "hi_us": hi_us}
    )
    moved = moved_within(cursor, lo_us, hi_us)
    samples = read(
        cursor, "samples_within", bounds_of(key, lo_us, hi_us),
        stretches=stretches, moved=moved.table,
    )  # fmt: skip
    runs = fold(Observations.of(samples, integers(samples, "track")), tracks)
    return runs.on(key[runs.track])
