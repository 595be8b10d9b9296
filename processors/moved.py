"""Samples that lie in Parquet: the manifest says which files count, nothing else does.

Read through Arrow, lent to DuckDB under the name `moved`, so that the database itself needs no
right to open files. Names in the manifest are relative to the folder `samples` beside the database.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from linksla.sql import statement
from processors.observations import Int64

FOLDER: Final = "samples"

MOVED_SCHEMA: Final = pa.schema(
    [
        pa.field("channel_key", pa.int32()),
        pa.field("observed_at_us", pa.int64()),
        pa.field("sequence", pa.int64()),
        pa.field("interval_us", pa.int64()),
        pa.field("latency_us", pa.int32()),
        pa.field("jitter_us", pa.int32()),
        pa.field("loss_ppm", pa.int32()),
        pa.field("rx_bps", pa.int64()),
        pa.field("tx_bps", pa.int64()),
        pa.field("bgp_state", pa.uint8()),
        pa.field("bgp_transitions", pa.int64()),
        pa.field("probe", pa.string()),
        pa.field("partition", pa.int16()),
        pa.field("offset", pa.int64()),
        pa.field("index_in_message", pa.int32()),
        pa.field("generation", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a look-up needs: `table` to be lent as `moved`, how many files it reads."""

    table: object
    files: int


def moved_within(cursor: duckdb.DuckDBPyConnection, lo_us: Int64, hi_us: Int64) -> Moved:
    """Return the Parquet files that may hold samples in any of the ranges [lo_us, hi_us).

    Usually none: what is looked up is mostly younger than what was moved.
    """
    if len(lo_us) == 0:
        return Moved(MOVED_SCHEMA.empty_table(), 0)
    bounds = {"first_us": int(lo_us.min()), "last_us": int(hi_us.max())}
    rows = cursor.execute(statement("processors", "sample_files"), bounds).fetchall()
    if not rows:
        return Moved(MOVED_SCHEMA.empty_table(), 0)
    first_us = np.array([row[1] for row in rows], np.int64)
    last_us = np.array([row[2] for row in rows], np.int64)
    held = _overlapping(lo_us, hi_us, first_us, last_us)
    if not held.any():
        return Moved(MOVED_SCHEMA.empty_table(), 0)
    folder = folder_beside(Path(rows[0][3]))
    paths = [str(folder / rows[number][0]) for number in np.flatnonzero(held)]
    return Moved(ds.dataset(paths, schema=MOVED_SCHEMA, format="parquet"), len(paths))


def folder_beside(database: Path) -> Path:
    """Return the folder of the Parquet files of a database."""
    return database.parent / FOLDER


def _overlapping(lo_us: Int64, hi_us: Int64, first_us: Int64, last_us: Int64) -> np.ndarray:
    """Return which of [first_us, last_us], both inclusive, meet any of [lo_us, hi_us)."""
    order = np.argsort(lo_us, kind="stable")
    starts, furthest = lo_us[order], np.maximum.accumulate(hi_us[order])
    # Of the ranges that begin at or before a file's end, one reaches beyond its beginning.
    begun = np.searchsorted(starts, last_us, side="right")
    reach = np.where(begun > 0, furthest[np.maximum(begun, 1) - 1], first_us)
    return reach > first_us
