"""Samples, rollups, ledger, progress and offsets into their tables, within a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.compiled import INT64S, compiled
from linksla.model import Poll, RawMessage, Reject
from processors.arrivals import NOTED, Aged, Arrivals, noted, noted_rejects, reject_table
from processors.blocks import note_changed
from processors.channels import Channels
from processors.deduplication import Deduplicated, Rows
from processors.folding import Changed
from processors.observations import (
    Bool,
    Int64,
    Observations,
    integers,
    pairs_in,
)
from processors.open_steps import OpenSteps, Stepped, Unsummed, rolled_up_within, stepped
from processors.progress import Progress
from processors.rollups import MEASURED, Rollups, step_lengths_s, steps_of
from processors.seen import store_seen
from processors.statements import run
from processors.watermarks import PartitionProgress

AGED: Final = "older than raw retention"
"""Detail of a late sample in the ledger that changed nothing: what it bears on is gone."""


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What the samples of a poll do to the rollups.

    `new`: new samples. `again_key`, `again_start_s`: the steps a replaced sample lies in.
    """

    new: Unsummed
    again_key: Int64
    again_start_s: Int64


def landed(progress: Progress, arrivals: Arrivals, found: Deduplicated) -> Progress:
    """Return the progress with the kept samples in its tail; no effects."""
    if len(found.kept) == 0:
        return progress
    tail = progress.tail
    if found.replacing.any():
        old = _replaced(arrivals, found)
        tail = tuple(_without(part, old) for part in tail)
    arrived = Observations.of(arrivals.samples, arrivals.channel_key)
    if len(found.kept) < len(arrived):
        arrived = arrived.take(found.kept)
    greatest = _raised(progress.observed_at_us_max, arrived.track, arrived.observed_at_us)
    longest = _raised(progress.interval_us_max, arrived.track, arrived.interval_us)
    return replace(
        progress,
        observed_at_us_max=greatest,
        interval_us_max=longest,
        tail=(*tail, arrived),
    )


@compiled(INT64S, INT64S, INT64S)
def _raised(standing: Int64, key: Int64, values: Int64) -> Int64:
    """Return what stood by key, or the greatest value of the key where that is more."""
    raised = standing.copy()
    for row in range(len(key)):
        raised[key[row]] = max(raised[key[row]], values[row])
    return raised


def store_samples(
    writer: duckdb.DuckDBPyConnection, arrivals: Arrivals, found: Deduplicated, rows: Rows
) -> None:
    """Write some of the samples that are kept, in place of those they replace."""
    if len(rows) == 0:
        return
    if found.replacing.any():
        _delete_samples(writer, _replaced(arrivals, found))
    key = pa.array(arrivals.channel_key.astype(np.int32))
    written = arrivals.samples.append_column("channel_key", key)
    if len(rows) < len(written):
        written = written.take(rows)
    run(writer, "samples_insert", new_samples=written)


def changed(arrivals: Arrivals, found: Deduplicated) -> Changed:
    """Return the kept samples that say something new, for folding again."""
    rows = ~found.replacing | found.changing
    return Changed(
        arrivals.channel_key[found.kept],
        integers(arrivals.samples, "observed_at_us")[found.kept],
        found.interval_us,
    ).take(rows)


def rolled_up(channels: Channels, arrivals: Arrivals, found: Deduplicated) -> RolledUp:
    """Return new samples with their steps, and the steps to compute again; no effects."""
    key, samples = arrivals.channel_key, arrivals.samples.select(MEASURED)
    step_s = steps_of(key, integers(arrivals.samples, "observed_at_us"), channels.grid_s)
    again = np.zeros((2, 0), np.int64)
    counted = np.zeros(len(key), np.bool_)
    counted[found.kept] = True
    # The same with a higher sequence stands in for what was summed already.
    counted[found.kept[found.replacing]] = False
    if found.changing.any():
        rows = found.kept[found.changing]
        again = np.unique(np.stack([key[rows], step_s[rows]]), axis=1)
        counted &= ~pairs_in(key, step_s, again[0], again[1])
    new = Unsummed(samples, key, step_s)
    return RolledUp(new if bool(counted.all()) else new.take(counted), again[0], again[1])


def stepped_again(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    waiting: OpenSteps,
    rolled: RolledUp,
    folded_to_s: Int64,
) -> Stepped:
    """Compute the steps a replaced sample lies in again from all their samples, as they are now.

    What was written of them is taken out.
    """
    key, start_s = rolled.again_key, rolled.again_start_s
    again = _rolled_up_again(writer, channels, key, start_s)
    waiting = waiting.without(key, start_s)
    return stepped(waiting, rolled.new, (again,), folded_to_s, channels)


def store_rollups(writer: duckdb.DuckDBPyConnection, over: Sequence[Rollups]) -> None:
    """Append rollups of steps that are over."""
    filled = [rollups for rollups in over if len(rollups)]
    if not filled:
        return
    parts = pa.concat_tables([rollups.parts() for rollups in filled])
    run(writer, "rollup_parts_insert", new_parts=parts)
    note_changed(writer, integers(parts, "channel_key"), integers(parts, "start_s"))


def note(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    arrivals: Arrivals,
    found: Deduplicated,
    late: Rows,
    poll: Poll,
    aged: Aged,
) -> Bool:
    """Count in the ledger what came late, too late, twice, in conflict or could not be used.

    Returns the channels of which anything was counted.
    """
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
    of_channels = np.zeros(len(channels), np.bool_)
    if tables:
        counted = pa.concat_tables(tables).cast(NOTED)
        run(writer, "ledger_insert", noted=counted)
        of_channels[integers(counted, "channel_key")] = True
    return of_channels


def store_rejects(
    writer: duckdb.DuckDBPyConnection,
    topic: str,
    rejects: Sequence[Reject],
    raw: Mapping[tuple[int, int], RawMessage],
) -> None:
    """Store what could not be used of a poll, if anything."""
    if rejects:
        run(writer, "rejects_insert", new_rejects=reject_table(topic, rejects, raw))


def store_progress(writer: duckdb.DuckDBPyConnection, before: Progress, after: Progress) -> None:
    """Store what channels have seen; how far they are follows from where partitions stand."""
    store_seen(writer, before.observed_at_us_max, after.observed_at_us_max)
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
    known = moved.keys() & before.partitions.keys()
    for name, numbers in (("offsets_write", known), ("offsets_begin", moved.keys() - known)):
        if numbers:
            run(writer, name, stands=_offsets(topic, {n: moved[n] for n in sorted(numbers)}))


def _offsets(topic: str, stands: Mapping[int, PartitionProgress]) -> pa.Table:
    progress = list(stands.values())
    return pa.table(
        {
            "topic": pa.repeat(topic, len(stands)),
            "partition": pa.array(list(stands), pa.int16()),
            "next_offset": [one.next_offset for one in progress],
            "watermark_us": pa.array([one.watermark_us for one in progress], pa.int64()),
            "last_append_us": pa.array([one.last_append_us for one in progress], pa.int64()),
        }
    )


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


def _rolled_up_again(
    writer: duckdb.DuckDBPyConnection, channels: Channels, key: Int64, start_s: Int64
) -> Rollups:
    steps = pa.table({"channel_key": key, "start_s": start_s})
    bounds = {"first_s": int(start_s.min()), "last_s": int(start_s.max())}
    run(writer, "rollup_parts_delete", bounds, steps=steps)
    end_s = start_s + step_lengths_s(channels.grid_s[key])
    lo_us, hi_us = start_s * MICROSECONDS, end_s * MICROSECONDS
    return rolled_up_within(writer, channels, key, lo_us, hi_us)
