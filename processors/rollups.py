"""Rollups and latency histogram of some samples: sums, counts, extremes, all integers.

One observation per sample (DESIGN 7.7). A sample that says all was lost (1,000,000 ppm) and has no
latency is a lost one, +infinity; one with a smaller loss and no latency is no latency observation.
A sample with a latency and no loss counts as loss 0, as in its cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linksla.clock import MICROSECONDS
from linksla.compiled import BOOLS, INT64, INT64_TABLE, INT64S, compiled
from processors.distributions import Counts, counts_of, counts_of_others, merged_counts
from processors.observations import (
    LOSS_UNKNOWN,
    Bool,
    Int64,
    integers,
    integers_or_zero,
    known,
    loss_of,
)
from processors.sorting import sort_order

STEP_SECONDS = 60
ALL_LOST_PPM = 1_000_000

_HALF_BITS: Final = 32
_LOW_HALF: Final = (1 << 32) - 1
_GREATEST: Final = (1 << 63) - 1

_SAMPLES, _LOST, _FIRST = 0, 1, 2
_COUNT, _HIGH, _LOW, _LEAST, _MOST = range(5)
_A_METRIC: Final = 5
_METRICS: Final = {"latency": "us", "jitter": "us", "loss": "ppm", "rx": "bps", "tx": "bps"}
MEASURED: Final = ("latency_us", "jitter_us", "loss_ppm", "rx_bps", "tx_bps")
"""The columns of samples that are summed."""
_LISTS: Final = ("latency_buckets", "latency_counts")
_WIDTH: Final = _FIRST + _A_METRIC * len(_METRICS)

Starts = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rollups:
    """Sums of samples, a row for each channel and step; and how many lie in each bucket.

    `figures`, a column of 27: samples, those lost, and of each metric count, sum in halves of 32
    bits, least and greatest. A sum comes in two halves as bit/s near 2**63 would overflow one.
    """

    channel_key: Int64
    start_s: Int64
    figures: Int64
    counts: Counts

    @classmethod
    def none(cls) -> "Rollups":
        """Return the rollups of no samples."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros((_WIDTH, 0), np.int64), Counts.none())

    def __len__(self) -> int:
        return len(self.channel_key)

    @property
    def samples(self) -> int:
        """How many samples are summed in all rows."""
        return int(self.figures[_SAMPLES].sum())

    @classmethod
    def of(cls, table: pa.Table) -> "Rollups":
        """Return rows of `rollup_parts` as sums, sums of bit/s in halves."""
        figures = np.zeros((_WIDTH, len(table)), np.int64)
        figures[_SAMPLES] = integers(table, "samples")
        figures[_LOST] = integers(table, "lost_count")
        for number, (metric, unit) in enumerate(_METRICS.items()):
            at = _FIRST + number * _A_METRIC
            figures[at + _COUNT] = integers(table, f"{metric}_count")
            if unit == "bps":
                figures[at + _HIGH] = integers(table, f"{metric}_sum_high")
                figures[at + _LOW] = integers(table, f"{metric}_sum_low")
            else:
                figures[at + _LOW] = integers(table, f"{metric}_sum_{unit}")
            least = table.column("latency_min_us") if metric == "latency" else None
            most = table.column(f"{metric}_max_{unit}")
            figures[at + _LEAST] = _GREATEST if least is None else _filled(least, _GREATEST)
            figures[at + _MOST] = _filled(most, -_GREATEST)
        lists = (table.column(name).combine_chunks() for name in _LISTS)
        key, start_s = integers(table, "channel_key"), integers(table, "start_s")
        return cls(key, start_s, figures, Counts.of(*lists))

    @property
    def lost(self) -> Int64:
        """How many samples of each row were lost, and have no latency."""
        lost: Int64 = self.figures[_LOST]
        return lost

    def measured(self, metric: str) -> tuple[Int64, Int64, Int64]:
        """Return count, sum and greatest of latency, jitter or loss of each row.

        The greatest of none is below 0.
        """
        at = _FIRST + list(_METRICS).index(metric) * _A_METRIC
        count, high, low, _, most = self.figures[at : at + _A_METRIC]
        return count, (high << _HALF_BITS) + low, most

    def take(self, rows: Bool) -> "Rollups":
        """Return some of the rows."""
        return Rollups(
            self.channel_key[rows],
            self.start_s[rows],
            np.compress(rows, self.figures, axis=1),
            self.counts.take(rows),
        )

    def parts(self) -> pa.Table:
        """Return what is appended to `rollup_parts`; sums of bit/s in halves."""
        columns: dict[str, pa.Array] = {
            "channel_key": pa.array(self.channel_key.astype(np.int32)),
            "start_s": pa.array(self.start_s),
            "samples": pa.array(self.figures[_SAMPLES]),
            "lost_count": pa.array(self.figures[_LOST]),
        }
        for number, (metric, unit) in enumerate(_METRICS.items()):
            at = _FIRST + number * _A_METRIC
            count, high, low = self.figures[at : at + _LEAST]
            columns[f"{metric}_count"] = pa.array(count)
            if unit == "bps":
                columns[f"{metric}_sum_high"] = pa.array(high)
                columns[f"{metric}_sum_low"] = pa.array(low)
            else:
                columns[f"{metric}_sum_{unit}"] = pa.array((high << _HALF_BITS) + low)
            if metric == "latency":
                columns[f"{metric}_min_{unit}"] = pa.array(
                    self.figures[at + _LEAST], mask=count == 0
                )
            columns[f"{metric}_max_{unit}"] = pa.array(self.figures[at + _MOST], mask=count == 0)
        columns |= dict(zip(_LISTS, self.counts.lists(), strict=True))
        return pa.table(columns)


def step_lengths_s(grid_s: Int64) -> Int64:
    """Return the length of a rollup step: a minute, or the grid where that is longer."""
    return np.maximum(grid_s, STEP_SECONDS)


@compiled(INT64S, INT64S, INT64S)
def steps_of(channel_key: Int64, observed_at_us: Int64, grid_s: Int64) -> Int64:
    """Return the start of the rollup step, in seconds, that each sample belongs to.

    `grid_s` is by channel_key. In order, most lie in the step of the one before: nothing is
    divided for those.
    """
    steps = np.empty(len(channel_key), np.int64)
    mine, begins_us, ends_us, start_s = -1, 0, 0, 0
    for row in range(len(channel_key)):
        at_us = observed_at_us[row]
        if channel_key[row] != mine or at_us < begins_us or at_us >= ends_us:
            mine = channel_key[row]
            length_s = max(grid_s[mine], STEP_SECONDS)
            start_s = at_us // (length_s * MICROSECONDS) * length_s
            begins_us, ends_us = start_s * MICROSECONDS, (start_s + length_s) * MICROSECONDS
        steps[row] = start_s
    return steps


def rollups_of(
    samples: pa.Table, channel_key: Int64, step_s: Int64, order: Starts, distributions: Int64
) -> Rollups:
    """Return the rollups of samples; `order` brings equal (channel_key, step_s) together.

    `distributions` (bits, by channel_key) says what beside latency is counted by buckets.
    """
    starts, group = _grouped(channel_key, step_s, order)
    first = order[starts[:-1]]
    key, step = channel_key[first], step_s[first]
    latency, has_latency = integers_or_zero(samples, "latency_us"), known(samples, "latency_us")
    loss = loss_of(samples)
    lost = (loss == ALL_LOST_PPM) & ~has_latency
    columns = (
        (latency, has_latency),
        (integers_or_zero(samples, "jitter_us"), known(samples, "jitter_us")),
        (loss, loss != LOSS_UNKNOWN),
        (integers_or_zero(samples, "rx_bps"), known(samples, "rx_bps")),
        (integers_or_zero(samples, "tx_bps"), known(samples, "tx_bps")),
    )
    figures = np.zeros((_WIDTH, len(key)), np.int64)
    figures[_SAMPLES] = np.diff(starts)
    if lost.any():
        figures[_LOST] = np.bincount(group, weights=lost[order], minlength=len(key))
    for number, (values, measured) in enumerate(columns):
        _summed(values, measured, order, starts, figures, _FIRST + number * _A_METRIC)
    counts = counts_of(len(key), group, order, latency, has_latency)
    kept = distributions[channel_key]
    if kept.any():
        others = list(counts_of_others(samples, len(key), group, order, kept))
        counts = _beside_each_other([counts, *others]) if others else counts
    return Rollups(key, step, figures, counts)


def merged(parts: Sequence[Rollups]) -> Rollups:
    """Return the rollups of all samples of several, a row for each channel and step."""
    if not parts:
        return Rollups.none()
    key = np.concatenate([part.channel_key for part in parts])
    start_s = np.concatenate([part.start_s for part in parts])
    order = sort_order(key, start_s)
    starts, group = _grouped(key, start_s, order)
    first = order[starts[:-1]]
    group_of = np.empty_like(group)
    group_of[order] = group
    figures, begins = _no_figures(len(first)), 0
    for part in parts:
        ends = begins + len(part)
        _add_figures(np.ascontiguousarray(part.figures), group_of[begins:ends], figures)
        begins = ends
    counts = merged_counts([part.counts for part in parts], order, starts)
    return Rollups(key[first], start_s[first], figures, counts)


def _no_figures(rows: int) -> Int64:
    """Return the figures of no samples, for so many rows."""
    figures = np.zeros((_WIDTH, rows), np.int64)
    figures[_FIRST + _LEAST :: _A_METRIC] = _GREATEST
    figures[_FIRST + _MOST :: _A_METRIC] = -_GREATEST
    return figures


def _beside_each_other(counts: Sequence[Counts]) -> Counts:
    """Return the lists of the same rows, of one metric each, as one list a row."""
    rows = len(counts[0].ends) - 1
    row = np.tile(np.arange(rows), len(counts))
    order = sort_order(row, np.arange(len(row)))
    return merged_counts(counts, order, np.arange(rows + 1) * len(counts))


def _filled(column: pa.ChunkedArray, value: int) -> Int64:
    values: Int64 = pc.fill_null(column.cast(pa.int64()), value).to_numpy()
    return values


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


@compiled(INT64S, BOOLS, INT64S, INT64S, INT64_TABLE, INT64)
def _summed(
    values: Int64, measured: Bool, order: Starts, starts: Int64, figures: Int64, at: int
) -> None:
    """Put the figures of each group's measured rows into its column, from row `at` on."""
    for number in range(len(starts) - 1):
        count, high, low, least, greatest = 0, 0, 0, _GREATEST, -_GREATEST
        for place in range(starts[number], starts[number + 1]):
            row = order[place]
            if measured[row]:
                value = values[row]
                count += 1
                high += value >> _HALF_BITS
                low += value & _LOW_HALF
                least, greatest = min(least, value), max(greatest, value)
        figures[at + _COUNT, number], figures[at + _HIGH, number] = count, high
        figures[at + _LOW, number] = low
        figures[at + _LEAST, number], figures[at + _MOST, number] = least, greatest


@compiled(INT64_TABLE, INT64S, INT64_TABLE)
def _add_figures(figures: Int64, group: Int64, found: Int64) -> None:
    """Add each column of figures to the column of its group."""
    for at in range(_WIDTH):
        what = -1 if at < _FIRST else (at - _FIRST) % _A_METRIC
        for row in range(len(group)):
            number, value = group[row], figures[at, row]
            if what == _LEAST:
                found[at, number] = min(found[at, number], value)
            elif what == _MOST:
                found[at, number] = max(found[at, number], value)
            else:
                found[at, number] += value
