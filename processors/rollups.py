"""Rollup parts and latency histogram of some samples: sums, counts, extremes, all integers.

One observation per sample (DESIGN 7.7). A sample that says all was lost (1,000,000 ppm) and has no
latency is a lost one, +infinity; one with a smaller loss and no latency is no latency observation.
A sample with a latency and no loss counts as loss 0, as in its cell.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.compiled import BOOLS, INT64S, compiled
from processors.distributions import histogram, histograms
from processors.observations import (
    LOSS_UNKNOWN,
    Bool,
    Int64,
    integers_or_zero,
    known,
    loss_of,
)

STEP_SECONDS = 60
ALL_LOST_PPM = 1_000_000

_HALF_BITS: Final = 32
_LOW_HALF: Final = (1 << 32) - 1
_GREATEST: Final = (1 << 63) - 1

Starts = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rollups:
    """What is appended: `parts` for rollup_parts (sums of bit/s in halves), `histogram`."""

    parts: pa.Table
    histogram: pa.Table


def step_lengths_s(grid_s: Int64) -> Int64:
    """Return the length of a rollup step: a minute, or the grid where that is longer."""
    return np.maximum(grid_s, STEP_SECONDS)


def steps_of(grid_s: Int64, observed_at_us: Int64) -> Int64:
    """Return the start of the rollup step, in seconds, that each sample belongs to."""
    step_s = step_lengths_s(grid_s)
    steps: Int64 = observed_at_us // (step_s * MICROSECONDS) * step_s
    return steps


def rollups_of(
    samples: pa.Table, channel_key: Int64, step_s: Int64, order: Starts, distributions: Int64
) -> Rollups:
    """Return the rollups of samples; `order` brings equal (channel_key, step_s) together.

    `distributions` (bits, by channel_key) says what beside latency is counted by buckets.
    """
    starts, group = _grouped(channel_key, step_s, order)
    first = order[starts[:-1]]
    key, step = channel_key[first].astype(np.int32), step_s[first]
    latency, has_latency = integers_or_zero(samples, "latency_us"), known(samples, "latency_us")
    loss = loss_of(samples)
    lost = (loss == ALL_LOST_PPM) & ~has_latency
    columns: dict[str, pa.Array] = {
        "channel_key": pa.array(key),
        "start_s": pa.array(step),
        "samples": pa.array(np.diff(starts)),
        **_counted("latency", "us", latency, has_latency, order, starts),
        "lost_count": pa.array(_summed(loss, lost, order, starts)[0]),
        **_counted("jitter", "us", *_column(samples, "jitter_us"), order, starts),
        **_counted("loss", "ppm", loss, loss != LOSS_UNKNOWN, order, starts),
        **_counted("rx", "bps", *_column(samples, "rx_bps"), order, starts),
        **_counted("tx", "bps", *_column(samples, "tx_bps"), order, starts),
    }
    counts = histogram(group, order, latency, has_latency)
    kept = distributions[channel_key]
    if kept.any():
        counts = pa.concat_tables([counts, *histograms(samples, order, group, kept)])
    rows = counts.column("group").to_numpy()
    return Rollups(
        pa.table(columns),
        pa.table(
            {
                "channel_key": key[rows],
                "start_s": step[rows],
                "bucket": counts.column("bucket"),
                "count": counts.column("count"),
            }
        ),
    )


def _column(samples: pa.Table, name: str) -> tuple[Int64, Bool]:
    return integers_or_zero(samples, name), known(samples, name)


def _counted(
    metric: str, unit: str, values: Int64, measured: Bool, order: Starts, starts: Int64
) -> dict[str, pa.Array]:
    """Return count, sum, least and greatest of a metric; what the table has no column for stays.

    The sum comes in two halves of 32 bits: bit/s near 2**63 would overflow one.
    """
    count, high, low, least, greatest = _summed(values, measured, order, starts)
    columns = {f"{metric}_count": pa.array(count)}
    if unit == "bps":
        columns[f"{metric}_sum_high"] = pa.array(high)
        columns[f"{metric}_sum_low"] = pa.array(low)
    else:
        columns[f"{metric}_sum_{unit}"] = pa.array((high << _HALF_BITS) + low)
    if metric == "latency":
        columns[f"{metric}_min_{unit}"] = pa.array(least, mask=count == 0)
    columns[f"{metric}_max_{unit}"] = pa.array(greatest, mask=count == 0)
    return columns


@compiled(INT64S, INT64S, INT64S)
def _grouped(key: Int64, step: Int64, order: Starts) -> tuple[Int64, Int64]:
    """Return where each group begins in `order`, and the end; and the group of each place."""
    starts = np.empty(len(order) + 1, np.int64)
    group = np.empty(len(order), np.int64)
    groups = 0
    for place in range(len(order)):
        row, before = order[place], order[place - 1]
        if place == 0 or key[row] != key[before] or step[row] != step[before]:
            starts[groups] = place
            groups += 1
        group[place] = groups - 1
    starts[groups] = len(order)
    return starts[: groups + 1].copy(), group


@compiled(INT64S, BOOLS, INT64S, INT64S)
def _summed(
    values: Int64, measured: Bool, order: Starts, starts: Int64
) -> tuple[Int64, Int64, Int64, Int64, Int64]:
    """Return count, sum in halves of 32 bits, least and greatest of each group's measured rows."""
    groups = len(starts) - 1
    found = np.empty((5, groups), np.int64)
    for number in range(groups):
        count, high, low, least, greatest = 0, 0, 0, _GREATEST, -_GREATEST
        for place in range(starts[number], starts[number + 1]):
            row = order[place]
            if measured[row]:
                value = values[row]
                count += 1
                high += value >> _HALF_BITS
                low += value & _LOW_HALF
                least, greatest = min(least, value), max(greatest, value)
        found[0, number], found[1, number], found[2, number] = count, high, low
        found[3, number], found[4, number] = least, greatest
    return found[0], found[1], found[2], found[3], found[4]
