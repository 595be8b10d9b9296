"""A poll sorted into what can be stored, what is pending and what is rejected: no effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linksla.clock import MICROSECONDS
from linksla.compiled import INT64, INT64S, compiled
from linksla.inventory import DAY_SECONDS
from linksla.model import WHOLE_MESSAGE, Poll, RawMessage, Reason, Reject
from linksla.settings import TimeSettings
from processors.channels import UNKNOWN_KEY, Channels
from processors.deduplication import Rows
from processors.observations import Bool, Int64, integers
from processors.watermarks import NEVER_US, PartitionProgress, advanced

DAY_US: Final = DAY_SECONDS * MICROSECONDS
_NAMES: Final = ("circuit_id", "channel")


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The usable samples of a poll with their channel_key; the pending; the inactive.

    `usable` tells which samples of the poll they are, in whatever order they lie. `seen_at_us` is
    what each sample of the poll says about time: observed_at, at most its append time; NEVER_US for
    the rejected.
    """

    samples: pa.Table
    channel_key: Int64
    usable: Bool
    seen_at_us: Int64
    unknown: pa.Table
    inactive: pa.Table
    inactive_key: Int64


def not_before(poll: Poll, partitions: Mapping[int, PartitionProgress]) -> Poll:
    """Return the poll without what was written before: offsets below next_offset."""
    partition, offset = integers(poll.samples, "partition"), integers(poll.samples, "offset")
    wanted = np.zeros(1 + max([*partitions, int(partition.max(initial=0))]), np.int64)
    for number, progress in partitions.items():
        wanted[number] = progress.next_offset
    old = _below(partition, offset, wanted)
    next_offset = {number: progress.next_offset for number, progress in partitions.items()}
    rejects = tuple(
        reject for reject in poll.rejects if reject.offset >= next_offset.get(reject.partition, 0)
    )
    if not old.any() and len(rejects) == len(poll.rejects):
        return poll
    return replace(poll, samples=poll.samples.filter(pa.array(~old)), rejects=rejects)


def sorted_out(samples: pa.Table, channels: Channels) -> Arrivals:
    """Sort samples by whether their channel is known, and active when they were observed."""
    key = channels.keys_of(samples)
    observed, appended = integers(samples, "observed_at_us"), integers(samples, "append_time_us")
    active = _active(key, observed, channels.active_from_s, channels.active_to_s)
    unknown = key == UNKNOWN_KEY
    inactive = ~unknown & ~active
    usable = active & ~unknown
    seen = np.minimum(observed, appended)
    none = samples.slice(0, 0)
    return Arrivals(
        _chosen(samples, usable),
        key if bool(usable.all()) else key[usable],
        usable,
        np.where(inactive, NEVER_US, seen) if bool(inactive.any()) else seen,
        _chosen(samples, unknown) if bool(unknown.any()) else none,
        _chosen(samples, inactive) if bool(inactive.any()) else none,
        key[inactive],
    )


@dataclass(frozen=True, slots=True)
class Aged:
    """Samples that are older than the raw retention, with their channel_key."""

    samples: pa.Table
    channel_key: Int64


def without_aged(arrivals: Arrivals, oldest_us: Int64) -> tuple[Arrivals, Aged]:
    """Part with samples from before `oldest_us`, one for each sample of the poll.

    What they would be judged with is gone (DESIGN 6): they change nothing.
    """
    observed = integers(arrivals.samples, "observed_at_us")
    aged = observed < oldest_us[arrivals.usable]
    if not aged.any():
        return arrivals, Aged(arrivals.samples.slice(0, 0), arrivals.channel_key[:0])
    usable = arrivals.usable.copy()
    usable[np.flatnonzero(usable)[aged]] = False
    kept = replace(
        arrivals,
        samples=_chosen(arrivals.samples, ~aged),
        channel_key=arrivals.channel_key[~aged],
        usable=usable,
    )
    return kept, Aged(_chosen(arrivals.samples, aged), arrivals.channel_key[aged])


def in_order(arrivals: Arrivals, order: Rows) -> Arrivals:
    """Return the usable samples in this order, of channel and instant, without their names.

    Each column in one piece. All that follows goes through them from one end to the other, where
    each step for itself had looked rows up in the order they came.
    """
    taken, columns = pa.array(order), {}
    for name in arrivals.samples.column_names:
        if name not in _NAMES:
            values = arrivals.samples.column(name).combine_chunks()
            columns[name] = pc.take(values, taken, boundscheck=False)
    return replace(arrivals, samples=pa.table(columns), channel_key=arrivals.channel_key[order])


def late_ones(
    channels: Channels,
    arrivals: Arrivals,
    watermark_before_us: Int64,
    folded_to_s: Int64,
) -> Bool:
    """Return which usable samples came after their cell was complete.

    `watermark_before_us`: for each sample of the poll.
    """
    stood_us = watermark_before_us
    if len(stood_us) > len(arrivals.channel_key):
        stood_us = stood_us[arrivals.usable]
    observed_at_us = integers(arrivals.samples, "observed_at_us")
    return _late(arrivals.channel_key, observed_at_us, stood_us, channels.grid_s, folded_to_s)


def partitions_after(
    partitions: Mapping[int, PartitionProgress],
    poll: Poll,
    seen_at_us: Int64,
    time: TimeSettings,
) -> dict[int, PartitionProgress]:
    """Return where each partition stands once the poll is written."""
    after = dict(partitions)
    partition = integers(poll.samples, "partition")
    append = integers(poll.samples, "append_time_us")
    failed = {
        (reject.partition, poll.raw[(reject.partition, reject.offset)].append_time_us)
        for reject in poll.rejects
        if (reject.partition, reject.offset) in poll.raw
    }
    numbers = poll.next_offsets.keys() | poll.caught_up_at_us.keys()
    size = 1 + max([*numbers, int(partition.max(initial=0))])
    greatest = _greatest(partition, seen_at_us, append, size)
    for number in numbers:
        seen, newest, rows = greatest[:, number].tolist()
        appended = [instant for other, instant in failed if other == number]
        if rows:
            appended.append(newest)
        stood = after.get(number, PartitionProgress())
        # A partition read to its end without a record, and never before, is empty: offset 0.
        next_offset = max(stood.next_offset, poll.next_offsets.get(number, 0))
        stood = replace(stood, next_offset=next_offset)
        after[number] = advanced(
            stood,
            seen if seen > NEVER_US else None,
            max(appended, default=None),
            poll.caught_up_at_us.get(number),
            time,
        )
    return after


def inactive_rejects(samples: pa.Table) -> list[Reject]:
    """Return a reject for each sample of a channel that was not active."""
    names = ("circuit_id", "channel", "observed_at_us", "partition", "offset", "index_in_message")
    rows = zip(*(samples.column(name).to_pylist() for name in names), strict=True)
    return [
        Reject(
            Reason.INACTIVE,
            f"channel {channel!r} of circuit {circuit!r} is not active at {observed} µs",
            partition,
            offset,
            index,
        )
        for circuit, channel, observed, partition, offset, index in rows
    ]


def reject_table(
    topic: str,
    rejects: Sequence[Reject],
    raw: Mapping[tuple[int, int], RawMessage],
) -> pa.Table:
    """Return rejects as rows of `rejects`: one for each message and reason."""

    def message(reject: Reject) -> tuple[int, int, str]:
        return reject.partition, reject.offset, reject.reason.value

    rows = []
    for (partition, offset, reason), group in groupby(sorted(rejects, key=message), message):
        members = list(group)
        indexes = sorted({reject.index_in_message for reject in members})
        came = raw.get((partition, offset), RawMessage(b""))
        rows.append(
            {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "reason": reason,
                "index_in_message": ""
                if WHOLE_MESSAGE in indexes
                else ",".join(str(index) for index in indexes),
                "detail": members[0].detail,
                "append_time_us": came.append_time_us,
                "key": came.key,
                "value": came.value,
            }
        )
    return pa.Table.from_pylist(rows, schema=_REJECTS)


def noted(
    kind: str,
    topic: str,
    channel_key: Int64,
    samples: pa.Table,
    detail: str = "",
) -> pa.Table:
    """Return samples as rows to be counted in the ledger."""
    count = len(samples)
    return pa.table(
        {
            "kind": pa.repeat(kind, count),
            "channel_key": channel_key,
            "day": integers(samples, "observed_at_us") // DAY_US,
            "topic": pa.repeat(topic, count),
            "partition": integers(samples, "partition"),
            "offset": integers(samples, "offset"),
            "detail": pa.repeat(detail, count),
        },
        schema=NOTED,
    )


def noted_rejects(
    topic: str,
    rejects: Sequence[Reject],
    raw: Mapping[tuple[int, int], RawMessage],
    keys: Mapping[tuple[str, str], int],
) -> pa.Table:
    """Return rejects as rows for the ledger, with the channel they name where it is known.

    The day is the append time's: observed_at may be what is wrong.
    """
    rows = []
    for reject in rejects:
        came = raw.get((reject.partition, reject.offset))
        rows.append(
            {
                "kind": "rejected",
                "channel_key": keys.get(
                    (reject.circuit_id or "", reject.channel or ""), UNKNOWN_KEY
                ),
                "day": came.append_time_us // DAY_US if came else None,
                "topic": topic,
                "partition": reject.partition,
                "offset": reject.offset,
                "detail": reject.reason.value,
            }
        )
    return pa.Table.from_pylist(rows, schema=NOTED)


NOTED: Final = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("channel_key", pa.int64()),
        pa.field("day", pa.int64()),
        pa.field("topic", pa.string()),
        pa.field("partition", pa.int64()),
        pa.field("offset", pa.int64()),
        pa.field("detail", pa.string()),
    ]
)

_REJECTS: Final = pa.schema(
    [
        pa.field("topic", pa.string()),
        pa.field("partition", pa.int16()),
        pa.field("offset", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("index_in_message", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("append_time_us", pa.int64()),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
    ]
)


def _chosen(samples: pa.Table, rows: Bool) -> pa.Table:
    return samples if bool(rows.all()) else samples.filter(pa.array(rows))


@compiled(INT64S, INT64S, INT64S)
def _below(partition: Int64, offset: Int64, wanted: Int64) -> Bool:
    """Return which offsets lie below what is wanted of their partition."""
    below = np.zeros(len(partition), np.bool_)
    for row in range(len(partition)):
        below[row] = offset[row] < wanted[partition[row]]
    return below


@compiled(INT64S, INT64S, INT64S, INT64S)
def _active(key: Int64, observed_at_us: Int64, from_s: Int64, to_s: Int64) -> Bool:
    """Return which samples were observed while their channel was active."""
    active = np.zeros(len(key), np.bool_)
    for row in range(len(key)):
        begins_us, ends_us = from_s[key[row]] * MICROSECONDS, to_s[key[row]] * MICROSECONDS
        active[row] = begins_us <= observed_at_us[row] < ends_us
    return active


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S)
def _late(
    key: Int64, observed_at_us: Int64, stood_us: Int64, grid_s: Int64, folded_to_s: Int64
) -> Bool:
    """Return what `late_ones` does; the watermark's cell is looked for only in what it passed."""
    late = np.zeros(len(key), np.bool_)
    for row in range(len(key)):
        mine, observed = key[row], observed_at_us[row]
        if observed < folded_to_s[mine] * MICROSECONDS:
            late[row] = True
        elif observed < stood_us[row]:
            grid_us = grid_s[mine] * MICROSECONDS
            late[row] = observed < stood_us[row] // grid_us * grid_us
    return late


@compiled(INT64S, INT64S, INT64S, INT64)
def _greatest(partition: Int64, seen_us: Int64, append_us: Int64, size: int) -> Int64:
    """Return the greatest of both columns by partition, and how many rows it has.

    Of `seen_us` NEVER_US where there is none.
    """
    greatest = np.zeros((3, size), np.int64)
    greatest[0] = NEVER_US
    for row in range(len(partition)):
        number = partition[row]
        greatest[0, number] = max(greatest[0, number], seen_us[row])
        if greatest[2, number] == 0 or append_us[row] > greatest[1, number]:
            greatest[1, number] = append_us[row]
        greatest[2, number] += 1
    return greatest
