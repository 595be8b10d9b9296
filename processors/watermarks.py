"""How far a partition is in (DESIGN 6): pure functions on arrays and on single partitions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from linksla.clock import MICROSECONDS
from linksla.compiled import INT64, INT64S, INT64S_OWN, compiled
from linksla.settings import TimeSettings
from processors.observations import Int64

NEVER_US: Final = -(1 << 62)
"""The watermark of a partition that has had nothing: before every instant."""


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """Where a partition stands: instants in µs, None before there is one.

    `last_append_us` is the newest message's, or the first confirmation that there is none.
    """

    next_offset: int = 0
    watermark_us: int | None = None
    last_append_us: int | None = None


def before_each(
    partition: Int64,
    seen_us: Int64,
    start: Mapping[int, PartitionProgress],
    time: TimeSettings,
) -> Int64:
    """Return the partition's watermark just before each sample, NEVER_US for none.

    `seen_us` is min(observed_at, append_time). By this a sample is late or not whatever polls
    the log was cut into, so that a replay counts the same late samples.
    """
    stands = np.full(1 + max([*start, int(partition.max(initial=0))]), NEVER_US, np.int64)
    for number, progress in start.items():
        if progress.watermark_us is not None:
            stands[number] = progress.watermark_us
    return _before_each(partition, seen_us, stands, _lateness_us(time))


@compiled(INT64S, INT64S, INT64S_OWN, INT64)
def _before_each(partition: Int64, seen_us: Int64, stands: Int64, lateness_us: int) -> Int64:
    """Return where its partition stood at each sample, and let it go on in `stands`."""
    before = np.empty(len(partition), np.int64)
    for row in range(len(partition)):
        number = partition[row]
        before[row] = stands[number]
        stands[number] = max(stands[number], seen_us[row] - lateness_us)
    return before


def advanced(
    progress: PartitionProgress,
    greatest_seen_us: int | None,
    greatest_append_us: int | None,
    caught_up_at_us: int | None,
    time: TimeSettings,
) -> PartitionProgress:
    """Return a partition's progress after a poll; its watermark never goes back.

    A partition that the broker confirmed at `caught_up_at_us` to be read to its end and that has
    been silent for idle_after by then is complete up to that instant less idle_after and
    allowed_lateness. One that never had a message is silent from its first such confirmation:
    a topic that is just being filled must not make its first samples late.
    """
    last_append = _greatest(progress.last_append_us, greatest_append_us)
    candidates = [progress.watermark_us]
    if greatest_seen_us is not None:
        candidates.append(greatest_seen_us - _lateness_us(time))
    if last_append is None:
        last_append = caught_up_at_us
    if caught_up_at_us is not None:
        silent_from = caught_up_at_us - time.idle_after_seconds * MICROSECONDS
        if last_append is not None and last_append <= silent_from:
            candidates.append(silent_from - _lateness_us(time))
    return replace(progress, watermark_us=_greatest(*candidates), last_append_us=last_append)


def _lateness_us(time: TimeSettings) -> int:
    return time.allowed_lateness_seconds * MICROSECONDS


def _greatest(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)
