"""What `sla` reads of the processors: table names, and what lies beyond the watermark.

Tables: `spans` (complete), `rollups` (view) and `latency_histogram`, `channels`, `ledger`; their
grain and columns are in the first migration. Every function materialises its result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from processors.cells import Tracks, fold
from processors.channels import FOREVER_S
from processors.extremes import greatest_by, least_by
from processors.held import Held
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
    newest_us: Int64  # when the newest sample of a circuit was observed, by its number

    def complete_s(self) -> Int64:
        """Return the instant, in epoch seconds, before which all is in, by number."""
        return least_by(self.circuit, self.tracks.from_s, len(self.circuit_ids), FOREVER_S)

    def live_s(self) -> Int64:
        """Return the end of the latest cell a sample starts in, by number; 0: none has come."""
        ends = np.zeros(len(self.circuit_ids), np.int64)
        ends[self.circuit] = self.tracks.to_s
        return ends

    def complete_up_to(self) -> dict[str, int]:
        """Return `complete_s` by circuit."""
        return dict(zip(self.circuit_ids, self.complete_s().tolist(), strict=True))

    def live_to(self) -> dict[str, int]:
        """Return `live_s` by circuit that has had a sample."""
        ends = self.live_s().tolist()
        return {name: end for name, end in zip(self.circuit_ids, ends, strict=True) if end}

    def observed_at(self) -> dict[str, int]:
        """Return the second in which the newest sample began, by circuit that has had one."""
        seconds = (self.newest_us // MICROSECONDS).tolist()
        return {n: at for n, at in zip(self.circuit_ids, seconds, strict=True) if at >= 0}

    def sampled_every(self) -> dict[str, int]:
        """Return by circuit how many seconds samples are apart at most, as far as is known.

        Of channels that differ, the one that tells soonest whether anything comes at all.
        """
        interval_us = self.tracks.from_s * MICROSECONDS - self.reach_us
        apart = np.maximum(-(-interval_us // MICROSECONDS), self.tracks.grid_s)
        apart[interval_us <= 0] = FOREVER_S
        least = least_by(self.circuit, apart, len(self.circuit_ids), FOREVER_S)
        known = zip(self.circuit_ids, least.tolist(), strict=True)
        return {name: seconds for name, seconds in known if seconds != FOREVER_S}


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
    channel_key = integers(found, "channel_key")
    seen = np.maximum(integers(found, "observed_at_us_max"), seen_of(cursor, channel_key))
    return _stands(
        ids.dictionary.to_pylist(),
        ids.indices.to_numpy().astype(np.int64),
        channel_key,
        seen,
        integers(found, "interval_us_max"),
        (
            integers(found, "grid_seconds"),
            integers(found, "folded_to_s"),
            integers(found, "active_from_s"),
            integers(found, "active_to_s"),
        ),
    )


def held_stands(held: Held, circuit_ids: Iterable[str] | None = None) -> Stands:
    """Return what `stands` does, of the commit that is held."""
    circuits = held.numbered(circuit_ids)
    channels, progress, key = held.channels, held.progress, circuits.channel_key
    return _stands(
        circuits.ids,
        circuits.circuit,
        key,
        progress.observed_at_us_max[key],
        progress.interval_us_max[key],
        (
            channels.grid_s[key],
            progress.folded_to_s[key],
            channels.active_from_s[key],
            channels.active_to_s[key],
        ),
    )


def _stands(
    circuit_ids: Sequence[str],
    circuit: Int64,
    channel_key: Int64,
    seen_us: Int64,
    interval_us_max: Int64,
    columns: tuple[Int64, Int64, Int64, Int64],
) -> Stands:
    """`columns`: grid, folded_to, active_from and active_to of each channel."""
    grid, folded, active_from_s, active_to_s = columns
    newest = greatest_by(circuit, seen_us, len(circuit_ids), NEVER_SEEN_US)
    cells = newest[circuit] // MICROSECONDS // grid + 1
    live_to_s = np.where(newest[circuit] < 0, 0, cells * grid)
    tracks = Tracks(grid, folded, live_to_s, active_from_s, active_to_s)
    reach_us = folded * MICROSECONDS - interval_us_max
    return Stands(circuit_ids, circuit, channel_key, tracks, reach_us, newest)


def provisional_spans(source: duckdb.DuckDBPyConnection | Held, stands: Stands) -> Runs:
    """Return the spans of whole cells from complete up to live, by (channel_key, start_s).

    The same rules of evidence as for the table `spans`; later samples may still change them.
    """
    rows = np.flatnonzero(stands.tracks.from_s < stands.tracks.to_s)
    if len(rows) == 0:
        return Runs.none()
    rows = rows[np.argsort(stands.channel_key[rows])]
    key, tracks = stands.channel_key[rows], stands.tracks.take(rows)
    if isinstance(source, Held):
        observations = source.waiting(key)
        observations = observations.on(np.searchsorted(key, observations.track))
    else:
        observations = _read(source, key, stands.reach_us[rows], tracks.to_s * MICROSECONDS)
    runs = fold(observations, tracks)
    return runs.on(key[runs.track])


def _read(
    cursor: duckdb.DuckDBPyConnection, key: Int64, lo_us: Int64, hi_us: Int64
) -> Observations:
    """Return the samples of stretches of channels, by number and time."""
    stretches = pa.table(
        {"track": np.arange(len(key)), "channel_key": key, "lo_us": lo_us, "hi_us": hi_us}
    )
    moved = moved_within(cursor, lo_us, hi_us)
    samples = read(
        cursor, "samples_within", bounds_of(key, lo_us, hi_us),
        stretches=stretches, moved=moved.table,
    )  # fmt: skip
    return Observations.of(samples, integers(samples, "track"))
