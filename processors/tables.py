"""What `sla` reads of the processors: table names, and what lies beyond the watermark.

Tables: `spans` (complete), `rollups` (view) and `latency_histogram`, `channels`, `ledger`; their
grain and columns are in the first migration. Every function materialises its result.
"""

from collections.abc import Sequence
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.sql import statement
from processors.cells import Tracks, fold
from processors.channels import FOREVER_S
from processors.moved import moved_within
from processors.observations import Observations, bounds_of, integers
from processors.runs import Runs
from processors.statements import read

SPANS: Final = "spans"
ROLLUPS: Final = "rollups"
LATENCY_HISTOGRAM: Final = "latency_histogram"
CHANNELS: Final = "channels"
LEDGER: Final = "ledger"

PROVISIONAL_SPANS_SCHEMA: Final = pa.schema(
    [
        pa.field("channel_key", pa.int32(), nullable=False),
        pa.field("start_s", pa.int64(), nullable=False),
        pa.field("end_s", pa.int64(), nullable=False),
        pa.field("bgp", pa.uint8(), nullable=False),
        pa.field("loss_class", pa.uint8()),
    ]
)


ALL_KEYS: Final = (0, 2**31 - 1)
"""From the first to the last channel_key: whoever knows those of the circuits spares the rest."""


def provisional_spans(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None,
    keys: tuple[int, int] = ALL_KEYS,
) -> pa.Table:
    """Return the spans of whole cells from complete up to live, PROVISIONAL_SPANS_SCHEMA.

    `circuit_ids` None: of all circuits. The same rules of evidence as for the table `spans`;
    later samples may still change them. Ordered by (channel_key, start_s).
    """
    live = read(
        cursor,
        "live",
        _asked(circuit_ids, keys) | {"forever_s": FOREVER_S},
    )
    if len(live) == 0:
        return PROVISIONAL_SPANS_SCHEMA.empty_table()
    key, lo_us = integers(live, "channel_key"), integers(live, "lo_us")
    to_s = integers(live, "live_to_s")
    stretches = pa.table(
        {
            "track": np.arange(len(key)),
            "channel_key": key,
            "lo_us": lo_us,
            "hi_us": to_s * MICROSECONDS,
        }
    )
    bounds = bounds_of(key, lo_us, to_s * MICROSECONDS)
    moved = moved_within(cursor, lo_us, to_s * MICROSECONDS)
    samples = read(cursor, "samples_within", bounds, stretches=stretches, moved=moved.table)
    tracks = Tracks(
        integers(live, "grid_seconds"),
        integers(live, "folded_to_s"),
        to_s,
        integers(live, "active_from_s"),
        integers(live, "active_to_s"),
    )
    runs = fold(Observations.of(samples, integers(samples, "track")), tracks)
    return _provisional(runs.on(key[runs.track]))


def live_to(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None,
    keys: tuple[int, int] = ALL_KEYS,
) -> dict[str, int]:
    """Return the end, in epoch seconds, of the latest cell a sample starts in, by circuit."""
    rows = cursor.execute(statement("processors", "live_to"), _asked(circuit_ids, keys)).fetchall()
    return dict(rows)


def complete_up_to(
    cursor: duckdb.DuckDBPyConnection,
    circuit_ids: Sequence[str] | None = None,
    keys: tuple[int, int] = ALL_KEYS,
) -> dict[str, int]:
    """Return the instant, in epoch seconds, before which all is in, by circuit; None: of all."""
    rows = cursor.execute(
        statement("processors", "complete_up_to"), _asked(circuit_ids, keys)
    ).fetchall()
    return dict(rows)


def _asked(circuit_ids: Sequence[str] | None, keys: tuple[int, int]) -> dict[str, object]:
    names = None if circuit_ids is None else list(circuit_ids)
    return {"circuit_ids": names, "first_key": keys[0], "last_key": keys[1]}


def _provisional(runs: Runs) -> pa.Table:
    measured = runs.loss_class >= 0
    return pa.table(
        {
            "channel_key": runs.track.astype(np.int32),
            "start_s": runs.start_s,
            "end_s": runs.end_s,
            "bgp": runs.bgp.astype(np.uint8),
            "loss_class": pa.array(
                np.where(measured, runs.loss_class, 0).astype(np.uint8), mask=~measured
            ),
        },
        schema=PROVISIONAL_SPANS_SCHEMA,
    )
