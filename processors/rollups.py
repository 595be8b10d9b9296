"""Rollup parts and latency histogram of some samples: sums, counts, extremes, all integers.

One observation per sample (DESIGN 7.7). A sample that says all was lost (1,000,000 ppm) and has no
latency is a lost one, +infinity; one with a smaller loss and no latency is no latency observation.
A sample with a latency and no loss counts as loss 0, as in its cell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.clock import MICROSECONDS
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

_HALF_BITS = 32
_GREATEST = np.iinfo(np.int64).max

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
    key, step = channel_key[order], step_s[order]
    begins = np.ones(len(key), np.bool_)
    begins[1:] = (key[1:] != key[:-1]) | (step[1:] != step[:-1])
    starts = np.flatnonzero(begins)
    latency, has_latency = _column(samples, "latency_us", order)
    loss = loss_of(samples)[order]
    columns: dict[str, pa.Array] = {
        "channel_key": pa.array(key[starts].astype(np.int32)),
        "start_s": pa.array(step[starts]),
        "samples": pa.array(np.diff(np.append(starts, len(key)))),
        **_counted("latency", "us", latency, has_latency, starts),
        "lost_count": pa.array(_total((loss == ALL_LOST_PPM) & ~has_latency, starts)),
        **_counted("jitter", "us", *_column(samples, "jitter_us", order), starts),
        **_counted("loss", "ppm", loss, loss != LOSS_UNKNOWN, starts),
        **_counted("rx", "bps", *_column(samples, "rx_bps", order), starts),
        **_counted("tx", "bps", *_column(samples, "tx_bps", order), starts),
    }
    group = np.cumsum(begins) - 1
    counts = histogram(group[has_latency], latency[has_latency])
    kept = distributions[key]
    if kept.any():
        counts = pa.concat_tables([counts, *histograms(samples, order, group, kept)])
    rows = counts.column("group").to_numpy()
    return Rollups(
        pa.table(columns),
        pa.table(
            {
                "channel_key": key[starts][rows].astype(np.int32),
                "start_s": step[starts][rows],
                "bucket": counts.column("bucket"),
                "count": counts.column("count"),
            }
        ),
    )


def _column(samples: pa.Table, name: str, order: Starts) -> tuple[Int64, Bool]:
    return integers_or_zero(samples, name)[order], known(samples, name)[order]


def _total(values: Int64 | Bool, starts: Starts) -> Int64:
    return np.add.reduceat(values.astype(np.int64, copy=False), starts)


def _counted(
    metric: str, unit: str, values: Int64, measured: Bool, starts: Starts
) -> dict[str, pa.Array]:
    """Return count, sum, least and greatest of a metric; what the table has no column for stays.

    The sum comes in two halves of 32 bits: bit/s near 2**63 would overflow one.
    """
    count = _total(measured, starts)
    shown = values if bool(measured.all()) else np.where(measured, values, 0)
    columns = {f"{metric}_count": pa.array(count)}
    if unit == "bps":
        columns[f"{metric}_sum_high"] = pa.array(_total(shown >> _HALF_BITS, starts))
        columns[f"{metric}_sum_low"] = pa.array(_total(shown & 0xFFFFFFFF, starts))
    else:
        columns[f"{metric}_sum_{unit}"] = pa.array(_total(shown, starts))
    if metric == "latency":
        least = shown if shown is values else np.where(measured, values, _GREATEST)
        smallest = np.minimum.reduceat(least, starts)
        columns[f"{metric}_min_{unit}"] = pa.array(smallest, mask=count == 0)
    greatest = shown if shown is values else np.where(measured, values, -_GREATEST)
    largest = np.maximum.reduceat(greatest, starts)
    columns[f"{metric}_max_{unit}"] = pa.array(largest, mask=count == 0)
    return columns
