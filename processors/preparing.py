"""What a poll comes to before the database is asked: pure, so that it can be done ahead.

While one poll is written, the next is prepared beside it from the progress the first one leaves
behind. What was prepared is used only for the very same poll, channels and progress.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np

from linksla.clock import MICROSECONDS
from linksla.compiled import INT64S, compiled
from linksla.model import Poll
from linksla.settings import TimeSettings
from processors.arrivals import (
    Aged,
    Arrivals,
    in_order,
    late_ones,
    not_before,
    partitions_after,
    sorted_out,
    without_aged,
)
from processors.channels import Channels
from processors.deduplication import Deduplicated, all_new, suspects_of
from processors.folding import Forward, forward
from processors.landing import RolledUp, landed, rolled_up
from processors.observations import Bool, Int64, integers
from processors.open_steps import Stepped, stepped
from processors.progress import Progress, watermarks_of
from processors.sample_files import Filed
from processors.sorting import sort_order
from processors.watermarks import before_each


@dataclass(frozen=True, slots=True)
class Rules:
    """What preparing goes by and no poll changes."""

    time: TimeSettings
    raw_us: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A poll without what was written before, sorted out.

    The usable samples lie in order of channel and instant. By row of them: `late` are those that
    came after their cell was complete (of what was pending, none), `suspect` those the database
    must be asked about.
    """

    poll: Poll
    arrivals: Arrivals
    aged: Aged
    late: Bool
    suspect: Bool
    fed_again: bool


@dataclass(frozen=True, slots=True)
class Worked:
    """What a poll's samples come to; `progress` of `forward` has the steps that wait.

    `arrived` are the channels of kept samples. `stepped` is None where the database must be asked
    for steps to compute again.
    """

    rolled: RolledUp
    forward: Forward
    arrived: Bool
    stepped: Stepped | None


@dataclass(frozen=True, slots=True)
class Work:
    """What becomes of a poll's samples; the rest when it is asked for, at once if it `is_done`."""

    is_done: bool
    found: Deduplicated
    reworked: Bool
    worked: Callable[[], Worked]
    filed: Callable[[], Filed]


@dataclass(frozen=True, slots=True)
class Ahead:
    """A poll prepared before its turn: all of it, if none of its samples is doubtful.

    `filed` says which of its samples do not go through the table.
    """

    came: Poll
    channels: Channels
    progress: Progress
    prepared: Prepared
    worked: tuple[Deduplicated, Bool, Worked] | None
    filed: Future[Filed] | None = None

    def is_of(self, poll: Poll, channels: Channels, progress: Progress) -> bool:
        """Return whether it is what preparing now would come to."""
        same = self.came is poll and self.channels is channels
        return same and self.progress is progress


def prepared(
    poll: Poll, channels: Channels, progress: Progress, rules: Rules, *, fed_again: bool = False
) -> Prepared:
    """Sort a poll out."""
    fresh = poll if fed_again else not_before(poll, progress.partitions)
    arrivals = sorted_out(fresh.samples, channels)
    stood_us = _stood(fresh, arrivals, channels, progress, rules, fed_again=fed_again)
    arrivals, aged = without_aged(arrivals, stood_us - rules.raw_us)
    late = np.zeros(len(arrivals.channel_key), np.bool_)
    if not fed_again:
        late = late_ones(channels, arrivals, stood_us, progress.folded_to_s)
    order = sort_order(arrivals.channel_key, integers(arrivals.samples, "observed_at_us"))
    arrivals = in_order(arrivals, order)
    observed = integers(arrivals.samples, "observed_at_us")
    suspect = suspects_of(arrivals.channel_key, observed, progress.observed_at_us_max)
    return Prepared(fresh, arrivals, aged, late[order], suspect, fed_again)


def prepared_ahead(poll: Poll, channels: Channels, progress: Progress, rules: Rules) -> Ahead:
    """Prepare a poll, and work it out where that needs no look into the database."""
    ready = prepared(poll, channels, progress, rules)
    worked = None
    if not ready.suspect.any():
        found = all_new(ready.arrivals.samples)
        reworks = reworked(progress, ready.arrivals, found)
        worked = (found, reworks, worked_out(ready, channels, progress, found, rules))
    return Ahead(poll, channels, progress, ready, worked)


def reworked(before: Progress, arrivals: Arrivals, found: Deduplicated) -> Bool:
    """Return the channels that got a sample in cells which were folded already."""
    observed = integers(arrivals.samples, "observed_at_us")
    return _behind(found.kept, arrivals.channel_key, observed, before.folded_to_s)


@compiled(INT64S, INT64S, INT64S, INT64S)
def _behind(rows: Int64, key: Int64, observed_at_us: Int64, folded_to_s: Int64) -> Bool:
    """Return the channels of which any of these rows lies before what is folded."""
    channels = np.zeros(len(folded_to_s), np.bool_)
    for place in range(len(rows)):
        mine = key[rows[place]]
        if observed_at_us[rows[place]] < folded_to_s[mine] * MICROSECONDS:
            channels[mine] = True
    return channels


def worked_out(
    ready: Prepared, channels: Channels, progress: Progress, found: Deduplicated, rules: Rules
) -> Worked:
    """Return the rollups of a poll and how far the channels are, were none of its samples late."""
    rolled = rolled_up(channels, ready.arrivals, found)
    arrived = np.zeros(len(progress.folded_to_s), np.bool_)
    arrived[ready.arrivals.channel_key[found.kept]] = True
    progress = landed(progress, ready.arrivals, found)
    if not ready.fed_again:
        after = partitions_after(
            progress.partitions, ready.poll, ready.arrivals.seen_at_us, rules.time
        )
        progress = replace(progress, partitions=after)
    folded = forward(channels, progress)
    if len(rolled.again_key):
        return Worked(rolled, folded, arrived, None)
    steps = stepped(progress.steps, rolled.new, (), folded.progress.folded_to_s, channels)
    further = replace(folded, progress=with_steps(folded.progress, steps))
    return Worked(rolled, further, arrived, steps)


def with_steps(progress: Progress, steps: Stepped) -> Progress:
    """Return the progress with the steps that wait; itself if it has them."""
    same = progress.steps is steps.waiting
    return progress if same else replace(progress, steps=steps.waiting)


def _stood(
    poll: Poll,
    arrivals: Arrivals,
    channels: Channels,
    progress: Progress,
    rules: Rules,
    *,
    fed_again: bool,
) -> Int64:
    """Return the watermark each sample of a poll came at; of what was pending, today's."""
    if fed_again:
        key = channels.keys_of(poll.samples)
        return watermarks_of(channels, progress.partitions)[key]
    return before_each(
        integers(poll.samples, "partition"), arrivals.seen_at_us, progress.partitions, rules.time
    )
