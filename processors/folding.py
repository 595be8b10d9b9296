"""Cells into the table `spans`: forward as the watermark moves, again where late samples fell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from processors.cells import Tracks, fold, reach_cells, still_holding
from processors.channels import Channels
from processors.moved import moved_within
from processors.observations import Bool, Int64, Observations, bounds_of, integers
from processors.progress import NO_SPAN_S, Progress, tracks_of, watermarks_of
from processors.runs import Runs
from processors.statements import read, run

_PART_ROWS: Final = 50_000
"""Smaller parts of the tail are put together: looking at a part costs as much as 5,000 rows."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Samples that are new or say something else than before; interval: the longest they had."""

    channel_key: Int64
    observed_at_us: Int64
    interval_us: Int64

    def take(self, rows: Bool) -> "Changed":
        """Return some of the rows."""
        return Changed(self.channel_key[rows], self.observed_at_us[rows], self.interval_us[rows])


@dataclass(frozen=True, slots=True)
class _Stretches:
    """[lo_s, hi_s) of a channel within one UTC day, at most one for a channel-day."""

    channel_key: Int64
    day: Int64
    lo_s: Int64
    hi_s: Int64

    def take(self, rows: Bool) -> "_Stretches":
        return _Stretches(self.channel_key[rows], self.day[rows], self.lo_s[rows], self.hi_s[rows])


@dataclass(frozen=True, slots=True)
class Forward:
    """What folding up to the watermark comes to: runs to write, and how far each channel is then.

    `runs` are the new cells; of them `extended` go on with the span that ended at `before`'s
    folded_to_s.
    """

    before: Progress
    progress: Progress
    moved: Bool
    runs: Runs
    extended: Runs
    appended: Runs


def forward(channels: Channels, progress: Progress) -> Forward:
    """Fold all cells that ended by the watermark; no effects."""
    watermark_s = watermarks_of(channels, progress.partitions) // MICROSECONDS
    to_s = np.maximum(progress.folded_to_s, watermark_s // channels.grid_s * channels.grid_s)
    moved = to_s > progress.folded_to_s
    moved[0] = False  # key 0 is no channel
    if not moved.any():
        return Forward(progress, progress, moved, Runs.none(), Runs.none(), Runs.none())
    tracks = tracks_of(channels, progress.folded_to_s, to_s)
    due, later = _due(progress.tail, moved, to_s)
    runs = fold(due, tracks)
    joins = _joins(runs, progress)
    start_s = np.where(joins, progress.open_start_s[runs.track], runs.start_s)
    ends = runs.end_s == to_s[runs.track]
    opened = Runs(runs.track, start_s, runs.end_s, runs.bgp, runs.loss_class).take(ends)
    tail = _packed((due.take(still_holding(due, tracks)), *later))
    folded = replace(progress, folded_to_s=np.where(moved, to_s, progress.folded_to_s), tail=tail)
    after = _opened(folded, np.flatnonzero(moved), opened)
    return Forward(progress, after, moved, runs, runs.take(joins), runs.take(~joins))


def store_forward(writer: duckdb.DuckDBPyConnection, folded: Forward) -> None:
    """Write the spans that folding forward made longer or new."""
    _extend(writer, folded.extended, folded.before)
    _append(writer, folded.appended)


def _due(
    tail: Sequence[Observations], moved: Bool, to_s: Int64
) -> tuple[Observations, list[Observations]]:
    """Return what starts before the new end of its channel that moved, in order; and the rest.

    The tail holds all of the allowed lateness: 3 million observations at 100,000 a second. Parts
    that lie ahead of every end are not looked into.
    """
    furthest_us = int(to_s[moved].max()) * MICROSECONDS
    due, later = [], []
    for part in tail:
        if len(part) == 0:
            continue
        if int(part.observed_at_us.min()) >= furthest_us:
            later.append(part)
            continue
        starts = moved[part.track] & (part.observed_at_us < to_s[part.track] * MICROSECONDS)
        if starts.all():  # nine parts of ten: nothing is copied
            due.append(part)
            continue
        due.append(part.take(starts))
        later.append(part.take(~starts))
    return Observations.together(due).ordered(), later


def _packed(tail: Sequence[Observations]) -> tuple[Observations, ...]:
    """Return the same observations in parts that are few, none of them large."""
    parts: list[Observations] = []
    for part in tail:
        if len(part) == 0:
            continue
        if parts and len(parts[-1]) + len(part) <= _PART_ROWS:
            parts[-1] = Observations.together((parts[-1], part))
        else:
            parts.append(part)
    return tuple(parts)


def fold_again(
    writer: duckdb.DuckDBPyConnection, channels: Channels, progress: Progress, changed: Changed
) -> Progress:
    """Compute again what changed samples bear on of the cells already folded.

    Per channel-day one stretch, from the first changed cell to the last one a changed sample can
    hold, is folded from all its samples and put in place of what was there: as if they had always
    been there, and at the cost of the stretch, not of the day.
    """
    stretches = _stretches(channels, progress, changed)
    if len(stretches.channel_key) == 0:
        return progress
    parts = [
        _folded_day(writer, channels, progress, stretches.take(stretches.day == day))
        for day in np.unique(stretches.day)
    ]
    runs = Runs.together(parts)
    days = _channel_days(stretches)
    run(writer, "spans_delete", _day_range(stretches), channel_days=days)
    _append(writer, runs)
    at_end = stretches.day == (progress.folded_to_s[stretches.channel_key] - 1) // DAY_SECONDS
    opened = runs.take(runs.end_s == progress.folded_to_s[runs.track])
    return _opened(progress, stretches.channel_key[at_end], opened)


def _stretches(channels: Channels, progress: Progress, changed: Changed) -> _Stretches:
    key, observed = changed.channel_key, changed.observed_at_us
    folded = progress.folded_to_s[key]
    rows = observed < folded * MICROSECONDS
    key, observed, folded = key[rows], observed[rows], folded[rows]
    grid = channels.grid_s[key]
    cell = observed // (grid * MICROSECONDS)
    reach = reach_cells(observed, changed.interval_us[rows], grid * MICROSECONDS)
    end_s = np.minimum((np.maximum(reach, cell) + 1) * grid, folded)
    nothing = np.zeros(len(key), np.int64)
    runs = Runs(key, cell * grid, end_s, nothing, nothing).cut_at_midnight().ordered()
    day = runs.start_s // DAY_SECONDS
    begins = np.ones(len(runs), np.bool_)
    begins[1:] = (runs.track[1:] != runs.track[:-1]) | (day[1:] != day[:-1])
    starts = np.flatnonzero(begins)
    if len(starts) == 0:
        return _Stretches(nothing, nothing, nothing, nothing)
    hi_s = np.maximum.reduceat(runs.end_s, starts)
    return _Stretches(runs.track[starts], day[starts], runs.start_s[starts], hi_s)


def _folded_day(
    writer: duckdb.DuckDBPyConnection, channels: Channels, progress: Progress, day: _Stretches
) -> Runs:
    """Return the runs of channel-days of one day, by channel_key, with the stretches renewed."""
    key = day.channel_key
    number = np.arange(len(key))
    lo_us = day.lo_s * MICROSECONDS - progress.interval_us_max[key]
    hi_us = day.hi_s * MICROSECONDS
    wanted = pa.table({"track": number, "channel_key": key, "lo_us": lo_us, "hi_us": hi_us})
    bounds = bounds_of(key, lo_us, hi_us)
    moved = moved_within(writer, lo_us, hi_us)
    samples = read(writer, "samples_within", bounds, stretches=wanted, moved=moved.table)
    observations = Observations.of(samples, integers(samples, "track"))
    every = tracks_of(channels, progress.folded_to_s, progress.folded_to_s).take(key)
    tracks = Tracks(every.grid_s, day.lo_s, day.hi_s, every.active_from_s, every.active_to_s)
    old = _spans(read(writer, "spans_of_days", _day_range(day), channel_days=_channel_days(day)))
    kept = old.without(day.lo_s[old.track], day.hi_s[old.track])
    runs = Runs.together([kept, fold(observations, tracks)]).ordered().merged()
    return runs.on(key[runs.track])


def _spans(table: pa.Table) -> Runs:
    names = ("track", "start_s", "end_s", "bgp", "loss_class")
    return Runs(*(integers(table, name) for name in names))


def _channel_days(stretches: _Stretches) -> pa.Table:
    number = np.arange(len(stretches.day))
    return pa.table({"track": number, "channel_key": stretches.channel_key, "day": stretches.day})


def _day_range(stretches: _Stretches) -> dict[str, int]:
    return {"first_day": int(stretches.day.min()), "last_day": int(stretches.day.max())}


def _joins(runs: Runs, progress: Progress) -> Bool:
    """Return which runs go on with the span that ends where folding stopped."""
    track = runs.track
    joins: Bool = (
        (progress.open_start_s[track] != NO_SPAN_S)
        & (runs.start_s == progress.folded_to_s[track])
        & (runs.start_s % DAY_SECONDS != 0)
        & (runs.bgp == progress.open_bgp[track])
        & (runs.loss_class == progress.open_loss_class[track])
    )
    return joins


def _opened(progress: Progress, keys: Int64, runs: Runs) -> Progress:
    """Return the progress with the open spans of `keys` replaced by `runs`."""
    start, bgp, loss = (
        progress.open_start_s.copy(),
        progress.open_bgp.copy(),
        progress.open_loss_class.copy(),
    )
    start[keys] = NO_SPAN_S
    start[runs.track], bgp[runs.track], loss[runs.track] = runs.start_s, runs.bgp, runs.loss_class
    return replace(progress, open_start_s=start, open_bgp=bgp, open_loss_class=loss)


def _extend(writer: duckdb.DuckDBPyConnection, runs: Runs, progress: Progress) -> None:
    if len(runs) == 0:
        return
    start_s = progress.open_start_s[runs.track]
    extended = pa.table({"channel_key": runs.track, "start_s": start_s, "end_s": runs.end_s})
    first_day = int(start_s.min()) // DAY_SECONDS
    run(writer, "spans_extend", {"first_day": first_day}, extended=extended)


def _append(writer: duckdb.DuckDBPyConnection, runs: Runs) -> None:
    if len(runs) == 0:
        return
    columns = {
        "channel_key": runs.track,
        "start_s": runs.start_s,
        "end_s": runs.end_s,
        "bgp": runs.bgp,
        "loss_class": runs.loss_class,
    }
    run(writer, "spans_insert", new_spans=pa.table(columns))
