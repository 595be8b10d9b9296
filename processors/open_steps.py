"""Rollup steps that are not over: their sums wait in memory and are written once.

A step is over when the watermark of its channel has passed its end. Written with each poll, a
channel at a sample a second left up to 60 rows a minute in `rollup_parts`, and as many counts;
written once it is one row, and what comes late is appended as a part of its own. A start
rebuilds what waits from the samples: which steps are over follows from how far a channel is folded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.sql import statement
from processors.channels import Channels
from processors.moved import moved_within
from processors.observations import Bool, Int64, bounds_of, integers, pairs_in
from processors.rollups import Rollups, merged, rollups_of, step_lengths_s, steps_of
from processors.sorting import sort_order
from processors.statements import read

_LOADED_TOGETHER: Final = 500_000
"""Samples read at once at a start: nine million may wait at 100,000 a second."""
_SUMMED_TOGETHER: Final = 500_000
"""As many samples wait as they came: five seconds of 100,000 a second, 22 MB. Summing each commit's
gave rows of one sample, and putting those together took a third of the writer's time."""
_UNSUMMED_MAX: Final = 32
"""Parts of samples, however few are in each."""
_BATCHES_MAX: Final = 8
_MANY_TIMES: Final = 4
"""A node that catches up ends hours of steps at once: putting the few that waited to theirs would
cost a tenth of its time, and as a second part they are summed by who reads them, and compacted."""


@dataclass(frozen=True, slots=True)
class Unsummed:
    """Samples as they came, and the channel and step each belongs to."""

    samples: pa.Table  # the columns of MEASURED
    channel_key: Int64
    start_s: Int64

    def __len__(self) -> int:
        return len(self.channel_key)

    def take(self, rows: Bool) -> "Unsummed":
        """Return some of the rows."""
        samples = self.samples.filter(pa.array(rows))
        return Unsummed(samples, self.channel_key[rows], self.start_s[rows])


@dataclass(frozen=True, slots=True)
class OpenSteps:
    """Steps that are not over: rollups, of one step maybe several; and samples still to be summed.

    Both may bear on one step.
    """

    batches: tuple[Rollups, ...] = ()
    unsummed: tuple[Unsummed, ...] = ()

    def without(self, channel_key: Int64, start_s: Int64) -> "OpenSteps":
        """Return the same without some steps."""
        return OpenSteps(
            tuple(_without(batch, channel_key, start_s) for batch in self.batches),
            tuple(_without(part, channel_key, start_s) for part in self.unsummed),
        )


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a poll does to rollups: the steps that are over, to be appended; and those that wait."""

    over: tuple[Rollups, ...]
    waiting: OpenSteps


_Rows = TypeVar("_Rows", Rollups, Unsummed)


def ends_of_steps_s(folded_to_s: Int64, grid_s: Int64) -> Int64:
    """Return up to where each channel's steps are over, by channel_key."""
    length_s = step_lengths_s(grid_s)
    ends: Int64 = folded_to_s // length_s * length_s
    return ends


def stepped(
    waiting: OpenSteps,
    new: Unsummed,
    again: Sequence[Rollups],
    folded_to_s: Int64,
    channels: Channels,
) -> Stepped:
    """Return what is over once channels are folded up to `folded_to_s`, and what waits on.

    `new` are samples, `again` steps summed anew; `folded_to_s` is by channel_key. What is new in a
    step that was over long ago came late, and is over, too.
    """
    ends_s = ends_of_steps_s(folded_to_s, channels.grid_s)
    ended, waits = _parted(waiting.batches, ends_s)
    ended_again, waits_again = _parted(again, ends_s)
    came, unsummed = _parted((*waiting.unsummed, new), ends_s)
    left = [*waits, *waits_again]
    if sum(map(len, unsummed)) > _SUMMED_TOGETHER or len(unsummed) > _UNSUMMED_MAX:
        left, unsummed = [*left, _summed(unsummed, channels)], []
    if len(left) > _BATCHES_MAX:
        left = _fewer(left)
    ended_new = [*ended_again, *([_summed(came, channels)] if came else [])]
    many = sum(map(len, ended_new)) > _MANY_TIMES * sum(map(len, ended))
    over = (*ended, *ended_new)
    if len(over) > 1 and not many:
        over = (merged(over),)
    return Stepped(over, OpenSteps(tuple(left), tuple(unsummed)))


def _summed(parts: Sequence[Unsummed], channels: Channels) -> Rollups:
    """Return the rollups of samples."""
    samples = pa.concat_tables([part.samples for part in parts])
    key = np.concatenate([part.channel_key for part in parts])
    start_s = np.concatenate([part.start_s for part in parts])
    return rollups_of(samples, key, start_s, sort_order(key, start_s), channels.distributions)


def _fewer(batches: list[Rollups]) -> list[Rollups]:
    """Put batches together, but the first while it holds more samples than all others.

    So a row is put together a few times while it waits, and not each time.
    """
    first, *others = batches
    if first.samples > sum(batch.samples for batch in others):
        return [first, merged(others)]
    return [merged(batches)]


def _parted(batches: Sequence[_Rows], ends_s: Int64) -> tuple[list[_Rows], list[_Rows]]:
    """Return what is over, and the rest."""
    furthest_s = int(ends_s.max(initial=0))
    over, left = [], []
    for batch in batches:
        if len(batch) == 0:
            continue
        if int(batch.start_s.min()) >= furthest_s:
            left.append(batch)
            continue
        rows = batch.start_s < ends_s[batch.channel_key]
        if not rows.any():
            left.append(batch)
            continue
        if rows.all():
            over.append(batch)
            continue
        over.append(batch.take(rows))
        left.append(batch.take(~rows))
    return over, left


def load_steps(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    folded_to_s: Int64,
    observed_at_us_max: Int64,
) -> OpenSteps:
    """Sum up again what waited when the last transaction was committed."""
    lo_us = ends_of_steps_s(folded_to_s, channels.grid_s) * MICROSECONDS
    keys = np.flatnonzero(observed_at_us_max >= lo_us)
    keys = keys[keys > 0]  # key 0 is no channel
    if len(keys) == 0:
        return OpenSteps()
    ((samples,),) = writer.execute(
        statement("processors", "samples_since"), {"first_us": int(lo_us[keys].min())}
    ).fetchall()
    pieces = np.array_split(keys, min(-(-samples // _LOADED_TOGETHER) or 1, len(keys)))
    end_us = observed_at_us_max + 1
    parts = [rolled_up_within(writer, channels, key, lo_us[key], end_us[key]) for key in pieces]
    return OpenSteps(tuple(part for part in parts if len(part)))


def rolled_up_within(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    channel_key: Int64,
    lo_us: Int64,
    hi_us: Int64,
) -> Rollups:
    """Return the rollups of all stored samples in stretches of channels, each of whole steps."""
    stretches = pa.table(
        {
            "track": np.arange(len(channel_key)),
            "channel_key": channel_key,
            "lo_us": lo_us,
            "hi_us": hi_us,
        }
    )
    bounds = bounds_of(channel_key, lo_us, hi_us)
    moved = moved_within(writer, lo_us, hi_us)
    samples = read(writer, "samples_within", bounds, stretches=stretches, moved=moved.table)
    track, observed = integers(samples, "track"), integers(samples, "observed_at_us")
    key = channel_key[track]
    step_s = steps_of(key, observed, channels.grid_s)
    order = sort_order(track, observed)
    return rollups_of(samples, key, step_s, order, channels.distributions)


def _without(batch: _Rows, channel_key: Int64, start_s: Int64) -> _Rows:
    gone = pairs_in(batch.channel_key, batch.start_s, channel_key, start_s)
    return batch.take(~gone) if bool(gone.any()) else batch
