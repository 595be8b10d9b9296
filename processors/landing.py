"""Samples, rollups, ledger, progress and offsets into their tables, within a transaction."""

from dataclasses import dataclass, replace
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.model import Poll
from processors.arrivals import NOTED, Aged, Arrivals, noted, noted_rejects
from processors.blocks import note_changed
from processors.channels import Channels
from processors.deduplication import Deduplicated
from processors.moved import moved_within
from processors.observations import (
    Int64,
    Observations,
    bounds_of,
    integers,
    pairs_in,
)
from processors.progress import Progress
from processors.rollups import Rollups, rollups_of, step_lengths_s, steps_of
from processors.sorting import sort_order
from processors.statements import read, run

AGED: Final = "older than raw retention"
"""Detail of a late sample in the ledger that changed nothing: what it bears on is gone."""

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What the samples of a poll do to the rollups.

    `appended`: of new samples. `again_key`, `again_start_s`: the steps a replaced sample lies in.
    """

    appended: Rollups | None
    again_key: Int64
    again_start_s: Int64


def landed(progress: Progress, arrivals: Arrivals, found: Deduplicated) -> Progress:
    """Return the progress with the kept samples in its tail; no effects."""
    if len(found.kept) == 0:
        return progress
    key = arrivals.channel_key[found.kept]
    observed = integers(arrivals.samples, "observed_at_us")[found.kept]
    tail = progress.tail
    if found.replacing.any():
        old = _replaced(arrivals, found)
        tail = tuple(_without(part, old) for part in tail)
    arrived = Observations.of(arrivals.samples, arrivals.channel_key).take(found.kept)
    greatest, longest = progress.observed_at_us_max.copy(), progress.interval_us_max.copy()
    # Rows of a channel lie together, in order: the last of each is its greatest.
    ends = np.append(key[1:] != key[:-1], True)
    greatest[key[ends]] = np.maximum(greatest[key[ends]], observed[ends])
    starts = np.append(0, np.flatnonzero(ends)[:-1] + 1)
    widest = np.maximum.reduceat(arrived.interval_us, starts)
    longest[key[ends]] = np.maximum(longest[key[ends]], widest)
    return replace(
        progress,
        observed_at_us_max=greatest,
        interval_us_max=longest,
        tail=(*tail, arrived),
    )


def store_samples(
    writer: duckdb.DuckDBPyConnection, arrivals: Arrivals, found: Deduplicated
) -> None:
    """Write the samples that are kept, in place of those they replace."""
    if len(found.kept) == 0:
        return
    if found.replacing.any():
        _delete_samples(writer, _replaced(arrivals, found))
    key = pa.array(arrivals.channel_key.astype(np.int32))
    written = arrivals.samples.append_column("channel_key", key)
    if len(found.kept) < len(written):
        written = written.take(np.sort(found.kept))
    run(writer, "samples_insert", new_samples=written)


def rolled_up(channels: Channels, arrivals: Arrivals, found: Deduplicated) -> RolledUp:
    """Return the rollups of new samples, and the steps to compute again; no effects."""
    none = np.zeros(0, np.int64)
    if len(found.kept) == 0:
        return RolledUp(None, none, none)
    key = arrivals.channel_key
    step_s = steps_of(channels.grid_s[key], integers(arrivals.samples, "observed_at_us"))
    order, again = found.kept, np.stack([none, none])
    if found.changing.any():
        rows = found.kept[found.changing]
        again = np.unique(np.stack([key[rows], step_s[rows]]), axis=1)
        order = order[~pairs_in(key[order], step_s[order], again[0], again[1])]
    new = (
        rollups_of(arrivals.samples, key, step_s, order, channels.distributions)
        if len(order)
        else None
    )
    return RolledUp(new, again[0], again[1])


def store_rollups(writer: duckdb.DuckDBPyConnection, channels: Channels, rolled: RolledUp) -> None:
    """Append the rollups of new samples; compute again the steps a replaced sample lies in."""
    if len(rolled.again_key):
        _roll_up_again(writer, channels, rolled.again_key, rolled.again_start_s)
    if rolled.appended is not None:
        _append(writer, rolled.appended)


def note(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    arrivals: Arrivals,
    found: Deduplicated,
    late: Rows,
    poll: Poll,
    aged: Aged,
) -> None:
    """Count in the ledger what came late, too late, twice, in conflict or could not be used."""
    rows_of = {"late": late, "duplicate": found.duplicate, "conflicting": found.conflicting}
    tables = [
        noted(kind, poll.topic, arrivals.channel_key[rows], arrivals.samples.take(rows))
        for kind, rows in rows_of.items()
        if len(rows)
    ]
    if len(arrivals.inactive):
        tables.append(
            noted("rejected", poll.topic, arrivals.inactive_key, arrivals.inactive, "inactive")
        )
    if len(aged.channel_key):
        tables.append(noted("late", poll.topic, aged.channel_key, aged.samples, AGED))
    if poll.rejects:
        tables.append(noted_rejects(poll.topic, poll.rejects, poll.raw, channels.keys))
    if tables:
        counted = pa.concat_tables(tables).cast(NOTED)
        run(writer, "ledger_insert", noted=counted)


def store_progress(writer: duckdb.DuckDBPyConnection, before: Progress, after: Progress) -> None:
    """Store the progress of the channels that got further."""
    further = np.flatnonzero(
        (after.observed_at_us_max != before.observed_at_us_max)
        | (after.folded_to_s != before.folded_to_s)
    )
    if len(further):
        progressed = pa.table(
            {
                "channel_key": further,
                "observed_at_us_max": after.observed_at_us_max[further],
                "folded_to_s": after.folded_to_s[further],
            }
        )
        run(writer, "progress_write", progressed=progressed)
    longer = np.flatnonzero(after.interval_us_max != before.interval_us_max)
    if len(longer):
        reaching = pa.table(
            {"channel_key": longer, "interval_us_max": after.interval_us_max[longer]}
        )
        run(writer, "reach_write", reaching=reaching)


def store_offsets(
    writer: duckdb.DuckDBPyConnection, topic: str, before: Progress, after: Progress
) -> None:
    """Store where the partitions stand that moved."""
    moved = {
        number: stands
        for number, stands in after.partitions.items()
        if before.partitions.get(number) != stands
    }
    if not moved:
        return
    stands = list(moved.values())
    table = pa.table(
        {
            "topic": pa.repeat(topic, len(moved)),
            "partition": list(moved),
            "next_offset": [one.next_offset for one in stands],
            "watermark_us": pa.array([one.watermark_us for one in stands], pa.int64()),
            "last_append_us": pa.array([one.last_append_us for one in stands], pa.int64()),
        }
    )
    run(writer, "offsets_write", stands=table)


def _replaced(arrivals: Arrivals, found: Deduplicated) -> pa.Table:
    rows = found.kept[found.replacing]
    return pa.table(
        {
            "channel_key": arrivals.channel_key[rows],
            "observed_at_us": integers(arrivals.samples, "observed_at_us")[rows],
        }
    )


def _delete_samples(writer: duckdb.DuckDBPyConnection, old: pa.Table) -> None:
    instants = integers(old, "observed_at_us")
    bounds = {"first_us": int(instants.min()), "last_us": int(instants.max())}
    run(writer, "samples_delete", bounds, replaced=old)


def _without(part: Observations, old: pa.Table) -> Observations:
    gone = pairs_in(
        part.track,
        part.observed_at_us,
        integers(old, "channel_key"),
        integers(old, "observed_at_us"),
    )
    return part.take(~gone) if bool(gone.any()) else part


def _roll_up_again(
    writer: duckdb.DuckDBPyConnection, channels: Channels, key: Int64, start_s: Int64
) -> None:
    steps = pa.table({"channel_key": key, "start_s": start_s})
    bounds = {"first_s": int(start_s.min()), "last_s": int(start_s.max())}
    run(writer, "rollup_parts_delete", bounds, steps=steps)
    run(writer, "latency_histogram_delete", bounds, steps=steps)
    end_s = start_s + step_lengths_s(channels.grid_s[key])
    lo_us, hi_us = start_s * MICROSECONDS, end_s * MICROSECONDS
    stretches = pa.table(
        {
            "track": np.arange(len(key)),
            "channel_key": key,
            "lo_us": lo_us,
            "hi_us": hi_us,
        }
    )
    within = bounds_of(key, lo_us, hi_us)
    moved = moved_within(writer, lo_us, hi_us)
    samples = read(writer, "samples_within", within, stretches=stretches, moved=moved.table)
    track = integers(samples, "track")
    order = sort_order(track, integers(samples, "observed_at_us"))
    _append(writer, rollups_of(samples, key[track], start_s[track], order, channels.distributions))


def _append(writer: duckdb.DuckDBPyConnection, rollups: Rollups) -> None:
    run(writer, "rollup_parts_insert", new_parts=rollups.parts)
    note_changed(writer, integers(rollups.parts, "channel_key"), integers(rollups.parts, "start_s"))
    if len(rollups.histogram):
        run(writer, "latency_histogram_insert", new_histogram=rollups.histogram)
