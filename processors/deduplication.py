"""Which samples are new (DESIGN 6): key (channel, observed_at), highest sequence, smallest hash."""

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.compiled import INT64S, compiled
from processors.moved import moved_within
from processors.observations import Bool, Int64, integers
from processors.statements import read

_COMPARED = (
    "sequence", "interval_us", "latency_us", "jitter_us", "loss_ppm", "rx_bps", "tx_bps",
    "bgp_state", "bgp_transitions", "probe",
)  # fmt: skip

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """What becomes of the samples of a poll, by row: they lie in order of channel and instant.

    `kept` are written, in that order. Of them `replacing` stand in for a stored sample, `changing`
    with other content, `interval_us` is the longer one of the two. All others are `duplicate` or
    `conflicting` and only counted.
    """

    kept: Rows
    replacing: Bool
    changing: Bool
    interval_us: Int64
    duplicate: Rows
    conflicting: Rows

    @property
    def accepted(self) -> int:
        """How many samples are there that were not there before."""
        return len(self.kept) - int(self.replacing.sum())


@compiled(INT64S, INT64S, INT64S)
def suspects_of(key: Int64, observed_at_us: Int64, observed_at_us_max: Int64) -> Bool:
    """Return which samples, in order of channel and instant, may be known already.

    What lies above its channel's stored maximum and stands once in the poll is new: the usual case.
    """
    suspect = np.zeros(len(key), np.bool_)
    for row in range(len(key)):
        if observed_at_us[row] <= observed_at_us_max[key[row]]:
            suspect[row] = True
        if row and key[row] == key[row - 1] and observed_at_us[row] == observed_at_us[row - 1]:
            suspect[row] = suspect[row - 1] = True
    return suspect


def all_new(samples: pa.Table) -> Deduplicated:
    """Return what becomes of samples without suspects: all are kept."""
    none, never = np.zeros(0, np.intp), np.zeros(len(samples), np.bool_)
    interval = integers(samples, "interval_us")
    return Deduplicated(np.arange(len(samples)), never, never, interval, none, none)


def deduplicated(
    writer: duckdb.DuckDBPyConnection, samples: pa.Table, channel_key: Int64, suspect: Bool
) -> Deduplicated:
    """Judge the samples of a poll; only suspects are looked up."""
    if not suspect.any():
        return all_new(samples)
    observed = integers(samples, "observed_at_us")
    interval = integers(samples, "interval_us")
    rows = np.flatnonzero(suspect)
    verdicts = _judged(writer, samples, channel_key, observed, rows)
    wins = _flags(verdicts, "wins")
    written = np.ones(len(observed), np.bool_)
    written[rows] = wins
    by_row = {name: np.zeros(len(observed), np.bool_) for name in ("replaces", "changes")}
    for name, flags in by_row.items():
        flags[rows] = _flags(verdicts, name)
    longest = interval.copy()
    longest[rows] = np.maximum(longest[rows], integers(verdicts, "stored_interval_us"))
    kept = np.flatnonzero(written)
    new, duplicate = _flags(verdicts, "is_new"), _flags(verdicts, "is_duplicate")
    return Deduplicated(
        kept,
        by_row["replaces"][kept],
        by_row["changes"][kept],
        longest[kept],
        rows[duplicate],
        rows[~new & ~duplicate],
    )


def _judged(
    writer: duckdb.DuckDBPyConnection,
    samples: pa.Table,
    channel_key: Int64,
    observed_at_us: Int64,
    rows: Rows,
) -> pa.Table:
    taken = samples.select(_COMPARED).take(rows)
    suspects = (
        taken.append_column("position", pa.array(rows))
        .append_column("channel_key", pa.array(channel_key[rows].astype(np.int32)))
        .append_column("observed_at_us", pa.array(observed_at_us[rows]))
    )
    instants = observed_at_us[rows]
    bounds = {"first_us": int(instants.min()), "last_us": int(instants.max())}
    moved = moved_within(writer, instants, instants + 1)
    return read(writer, "duplicates", bounds, suspects=suspects, moved=moved.table)


def _flags(table: pa.Table, name: str) -> Bool:
    flags: Bool = table.column(name).to_numpy()
    return flags
