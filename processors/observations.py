"""Samples reduced to what a cell's evidence needs, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linksla.compiled import INT64S, compiled
from linksla.model import (
    BGP_ESTABLISHED,
    BGP_UNKNOWN,
    EVIDENCE_BGP_ESTABLISHED,
    EVIDENCE_BGP_NOT,
    EVIDENCE_BGP_UNKNOWN,
)
from processors.sorting import sort_order

Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]

LOSS_UNKNOWN: Final = -1

_EVIDENCE_OF_STATE: Final = np.full(256, EVIDENCE_BGP_NOT, np.int64)
_EVIDENCE_OF_STATE[BGP_UNKNOWN] = EVIDENCE_BGP_UNKNOWN
_EVIDENCE_OF_STATE[BGP_ESTABLISHED] = EVIDENCE_BGP_ESTABLISHED


def integers(table: pa.Table, name: str) -> Int64:
    """Return a column without nulls as 64-bit integers."""
    values: Int64 = table.column(name).to_numpy().astype(np.int64, copy=False)
    return values


def known(table: pa.Table, name: str) -> Bool:
    """Return which rows of a column are not null."""
    column = table.column(name)
    if column.null_count == 0:
        return np.ones(len(column), np.bool_)
    flags: Bool = pc.is_valid(column).to_numpy()
    return flags


def integers_or_zero(table: pa.Table, name: str) -> Int64:
    """Return a column as 64-bit integers, 0 where it is null."""
    column = table.column(name)
    values: Int64 = (
        (pc.fill_null(column, 0) if column.null_count else column)
        .to_numpy()
        .astype(np.int64, copy=False)
    )
    return values


def loss_of(table: pa.Table) -> Int64:
    """Return each sample's loss in ppm, or LOSS_UNKNOWN.

    A sample with a latency and no loss counts as loss 0 (DESIGN 6).
    """
    loss = integers_or_zero(table, "loss_ppm")
    if table.column("loss_ppm").null_count == 0:
        return loss
    silent = ~known(table, "loss_ppm") & ~known(table, "latency_us")
    return np.where(silent, LOSS_UNKNOWN, loss)


def pairs_in(first: Int64, second: Int64, wanted_first: Int64, wanted_second: Int64) -> Bool:
    """Return which pairs (first, second) are among the wanted ones; few are expected to be."""
    found: Bool = np.isin(first, wanted_first) & np.isin(second, wanted_second)
    rows = np.flatnonzero(found)
    if len(rows):
        wanted = set(zip(wanted_first.tolist(), wanted_second.tolist(), strict=True))
        pairs = zip(first[rows].tolist(), second[rows].tolist(), strict=True)
        found[rows] = [pair in wanted for pair in pairs]
    return found


def bounds_of(channel_key: Int64, lo_us: Int64, hi_us: Int64) -> dict[str, int]:
    """Return what stretches of channels lie within, for samples_within: the less is read."""
    return {
        "first_us": int(lo_us.min()),
        "last_us": int(hi_us.max()),
        "first_key": int(channel_key.min()),
        "last_key": int(channel_key.max()),
    }


@dataclass(frozen=True, slots=True)
class Observations:
    """What samples say about cells; one row a sample, all arrays of one length.

    `track` is what is folded on its own: a channel, or a stretch of one. `bgp` is an evidence
    class, `loss_ppm` is LOSS_UNKNOWN where nothing is known.
    """

    track: Int64
    observed_at_us: Int64
    interval_us: Int64
    bgp: Int64
    loss_ppm: Int64

    @classmethod
    def of(cls, table: pa.Table, track: Int64) -> Self:
        """Take what is needed from a table with the columns of `samples`."""
        return cls(
            track,
            integers(table, "observed_at_us"),
            integers(table, "interval_us"),
            _EVIDENCE_OF_STATE[table.column("bgp_state").to_numpy()],
            loss_of(table),
        )

    @classmethod
    def together(cls, parts: Sequence["Observations"]) -> Self:
        """Put parts one after the other."""
        if not parts:
            none = np.zeros(0, np.int64)
            return cls(none, none, none, none, none)
        return cls(
            np.concatenate([part.track for part in parts]),
            np.concatenate([part.observed_at_us for part in parts]),
            np.concatenate([part.interval_us for part in parts]),
            np.concatenate([part.bgp for part in parts]),
            np.concatenate([part.loss_ppm for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.track)

    def take(self, rows: Bool | npt.NDArray[np.intp]) -> "Observations":
        """Return some of the rows, or all in another order."""
        places: Int64 = np.asarray(
            np.flatnonzero(rows) if rows.dtype == np.bool_ else rows, np.int64
        )
        return Observations(*_taken(places, *self._columns()))

    def _columns(self) -> tuple[Int64, Int64, Int64, Int64, Int64]:
        return self.track, self.observed_at_us, self.interval_us, self.bgp, self.loss_ppm

    def on(self, track: Int64) -> "Observations":
        """Return the same on other tracks."""
        return Observations(track, self.observed_at_us, self.interval_us, self.bgp, self.loss_ppm)

    def ordered(self) -> "Observations":
        """Return the rows by (track, observed_at_us)."""
        return self.take(sort_order(self.track, self.observed_at_us))


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S, INT64S)
def _taken(
    rows: Int64, track: Int64, observed_at_us: Int64, interval_us: Int64, bgp: Int64, loss: Int64
) -> Int64:
    """Return the columns at `rows`, below one another: one walk through memory, not five."""
    taken = np.empty((5, len(rows)), np.int64)
    for place in range(len(rows)):
        row = rows[place]
        taken[0, place] = track[row]
        taken[1, place] = observed_at_us[row]
        taken[2, place] = interval_us[row]
        taken[3, place] = bgp[row]
        taken[4, place] = loss[row]
    return taken
