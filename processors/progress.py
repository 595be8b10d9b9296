"""How far the writer is: what it keeps in memory between polls, rebuilt from the store at start."""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.sql import statement
from processors.cells import Tracks, still_holding
from processors.channels import Channels, first_fold_s
from processors.moved import moved_within
from processors.observations import Int64, Observations, integers
from processors.open_steps import OpenSteps, load_steps
from processors.seen import NEVER_SEEN_US, begin_seen, seen_of
from processors.statements import read, run
from processors.watermarks import NEVER_US, PartitionProgress

NO_SPAN_S = -1


@dataclass(frozen=True, slots=True)
class Progress:
    """Arrays by channel_key, the tail, and where each partition stands.

    `open_*` is the span that ends exactly at folded_to_s (start NO_SPAN_S: none): the only one that
    a fold can extend. `tail` holds the observations that cells beyond folded_to_s may need, `steps`
    the rollups of steps that end beyond it.
    """

    observed_at_us_max: Int64
    interval_us_max: Int64
    folded_to_s: Int64
    open_start_s: Int64
    open_bgp: Int64
    open_loss_class: Int64
    tail: tuple[Observations, ...]
    steps: OpenSteps
    partitions: dict[int, PartitionProgress]


def settle_progress(writer: duckdb.DuckDBPyConnection, topic: str) -> None:
    """Write down how far channels are, and let them follow the watermarks of a topic from here on.

    A commit writes where partitions stand, and how far channels are follows from that (the view
    `channel_stands`). So this comes before a channel's partition or the topic may be another one.
    """
    run(writer, "progress_settle")
    run(writer, "topic_forget")
    run(writer, "topic_follow", {"topic": topic})


def begin_progress(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    new_keys: frozenset[int],
    partitions: dict[int, PartitionProgress],
    now_us: int,
) -> None:
    """Store where new channels begin: at their first second, or where their partition is."""
    begin_seen(writer, len(channels))
    if not new_keys:
        return
    keys = np.array(sorted(new_keys), np.int64)
    stands = watermarks_of(channels, partitions)[keys]
    known_us = np.where(stands == NEVER_US, now_us, stands)
    folded = first_fold_s(channels.grid_s[keys], channels.active_from_s[keys], known_us)
    begun = pa.table({"channel_key": keys, "folded_to_s": folded})
    run(writer, "progress_begin", begun=begun)


def watermarks_of(channels: Channels, partitions: dict[int, PartitionProgress]) -> Int64:
    """Return each channel's watermark in µs, NEVER_US where its partition has none."""
    size = 1 + max([*partitions, int(channels.partition.max(initial=0))])
    by_partition = np.full(size, NEVER_US, np.int64)
    for number, progress in partitions.items():
        if progress.watermark_us is not None:
            by_partition[number] = progress.watermark_us
    watermarks: Int64 = by_partition[channels.partition]
    return watermarks


def load_partitions(writer: duckdb.DuckDBPyConnection, topic: str) -> dict[int, PartitionProgress]:
    """Read where each partition stands."""
    rows = writer.execute(statement("processors", "offsets"), {"topic": topic}).fetchall()
    return {partition: PartitionProgress(*rest) for partition, *rest in rows}


def load_progress(
    writer: duckdb.DuckDBPyConnection,
    channels: Channels,
    partitions: dict[int, PartitionProgress],
    known: Progress | None = None,
) -> Progress:
    """Rebuild what is kept in memory from a settled store; `known`, as it stands, is kept."""
    size = len(channels)
    table = read(writer, "progress")
    keys = integers(table, "channel_key")

    def by_key(name: str, default: int) -> Int64:
        values = np.full(size, default, np.int64)
        values[keys] = integers(table, name)
        return values

    folded_to_s, interval_us_max = by_key("folded_to_s", 0), by_key("interval_us_max", 0)
    observed_at_us_max = by_key("observed_at_us_max", NEVER_SEEN_US)
    observed_at_us_max[keys] = np.maximum(observed_at_us_max[keys], seen_of(writer, keys))
    if known is not None:
        tails, steps = known.tail, known.steps
    else:
        tail = _load_tail(writer, folded_to_s * MICROSECONDS, interval_us_max, observed_at_us_max)
        tracks = tracks_of(channels, folded_to_s, folded_to_s)
        tails = (tail.take(still_holding(tail, tracks)),)
        steps = load_steps(writer, channels, folded_to_s, observed_at_us_max)
    return Progress(
        observed_at_us_max,
        interval_us_max,
        folded_to_s,
        by_key("open_start_s", NO_SPAN_S),
        by_key("open_bgp", 0),
        by_key("open_loss_class", -1),
        tails,
        steps,
        partitions,
    )


def _load_tail(
    writer: duckdb.DuckDBPyConnection,
    folded_to_us: Int64,
    interval_us_max: Int64,
    observed_at_us_max: Int64,
) -> Observations:
    """Read what cells beyond folded_to may need.

    A channel that was folded past its last sample and what that can hold costs nothing.
    """
    keys = np.flatnonzero(observed_at_us_max >= folded_to_us - interval_us_max)
    keys = keys[keys > 0]  # key 0 is no channel
    if len(keys) == 0:
        return Observations.together(())
    folded_to_us, lo_us = folded_to_us[keys], (folded_to_us - interval_us_max)[keys]
    hi_us = observed_at_us_max[keys] + 1
    needs = pa.table(
        {"channel_key": keys, "folded_to_us": folded_to_us, "lo_us": lo_us, "hi_us": hi_us}
    )
    bounds = {"first_us": int(lo_us.min()), "last_us": int(hi_us.max())}
    moved = moved_within(writer, lo_us, hi_us)
    held = read(writer, "tail", bounds, needs=needs, moved=moved.table)
    return Observations.of(held, integers(held, "channel_key"))


def tracks_of(channels: Channels, from_s: Int64, to_s: Int64) -> Tracks:
    """Return all channels as tracks to be folded over a range each."""
    return Tracks(channels.grid_s, from_s, to_s, channels.active_from_s, channels.active_to_s)
