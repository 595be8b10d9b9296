"""Distributions of other metrics than latency: kept where a contract asks a percentile of them.

They lie in the lists of `rollup_parts` beside latency's (read as `latency_histogram`), and are
recomputed, compacted and folded with them.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linksla.compiled import BOOLS, INT64, INT64S, INT64S_OWN, compiled
from linksla.inventory import Inventory
from linksla.sql import statement
from processors.buckets import DISTRIBUTIONS, METRIC_BITS, bucket_of_value
from processors.observations import (
    LOSS_UNKNOWN,
    Bool,
    Int64,
    integers_or_zero,
    known,
    loss_of,
)
from processors.statements import run
from processors.transactions import transaction

Rows = npt.NDArray[np.intp]

_STRETCH: Final = 64
"""Buckets looked at together: the latencies of a minute lie in two or three such stretches."""

_COLUMNS = {"jitter": "jitter_us", "throughput_rx": "rx_bps", "throughput_tx": "tx_bps"}
_ASKED = pa.schema([("contract", pa.string()), ("metrics", pa.uint8())])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many values lie in each bucket, a list of buckets for each row of rollups.

    Of row n, `bucket` (with the metric's number above its twelve bits; ascending) and `count` from
    place `ends[n]` to `ends[n + 1]`.
    """

    ends: Int64
    bucket: Int64
    count: Int64

    @classmethod
    def none(cls) -> "Counts":
        """Return the counts of no rows."""
        nothing = np.zeros(0, np.int64)
        return cls(np.zeros(1, np.int64), nothing, nothing)

    def take(self, rows: Bool) -> "Counts":
        """Return the lists of some of the rows."""
        lengths = np.diff(self.ends)
        held = np.repeat(rows, lengths)
        ends = np.append(0, np.cumsum(lengths[rows]))
        return Counts(ends, self.bucket[held], self.count[held])

    def lists(self) -> tuple[pa.Array, pa.Array]:
        """Return buckets and counts as lists, one of each a row."""
        ends = pa.array(self.ends.astype(np.int32))
        return (
            pa.ListArray.from_arrays(ends, pa.array(self.bucket.astype(np.int32))),
            pa.ListArray.from_arrays(ends, pa.array(self.count)),
        )

    @classmethod
    def of(cls, buckets: pa.Array, counts: pa.Array) -> "Counts":
        """Return what such lists say; null is an empty one."""
        lengths = pc.fill_null(pc.list_value_length(buckets), 0).to_numpy(zero_copy_only=False)
        return cls(
            np.append(0, np.cumsum(lengths.astype(np.int64))),
            buckets.flatten().to_numpy(zero_copy_only=False).astype(np.int64),
            counts.flatten().to_numpy(zero_copy_only=False).astype(np.int64),
        )


def ask(writer: duckdb.DuckDBPyConnection, metrics: Mapping[str, Set[str]]) -> None:
    """Say which metrics' distributions are kept of circuits, by contract; before channels load.

    Raises:
        StoreError: nothing of it was written.
    """
    rows = [
        {"contract": contract, "metrics": sum(1 << DISTRIBUTIONS[name] for name in names)}
        for contract, names in sorted(metrics.items())
        if names
    ]
    with transaction(writer, lambda: None):
        run(writer, "distributions_delete")
        run(writer, "distributions_insert", asked=pa.Table.from_pylist(rows, schema=_ASKED))


def asked_of(writer: duckdb.DuckDBPyConnection, inventory: Inventory) -> dict[str, int]:
    """Return the bits of the metrics that are kept, by circuit; none: only latency is."""
    by_contract = dict(writer.execute(statement("processors", "distributions")).fetchall())
    return {
        circuit.id: by_contract[circuit.contract]
        for circuit in inventory.circuits.values()
        if circuit.contract in by_contract
    }


def counts_of_others(
    samples: pa.Table, groups: int, group: Int64, order: Rows, kept: Int64
) -> Iterator[Counts]:
    """Yield the counts of each metric that some row's channel keeps, latency's left out.

    `group` is by place in `order`, `kept` (bits) by row.
    """
    for metric, number in DISTRIBUTIONS.items():
        wanted = (kept >> number & 1).astype(np.bool_)
        if metric != "latency" and wanted.any():
            values, measured = _values(samples, metric)
            yield counts_of(groups, group, order, values, wanted & measured, number)


def _values(samples: pa.Table, metric: str) -> tuple[Int64, Bool]:
    if metric == "loss":
        loss = loss_of(samples)
        return loss, loss != LOSS_UNKNOWN
    column = _COLUMNS[metric]
    return integers_or_zero(samples, column), known(samples, column)


def counts_of(
    groups: int, group: Int64, order: Rows, values: Int64, measured: Bool, number: int = 0
) -> Counts:
    """Return how many values of each group lie in each bucket of a metric.

    `group` is by place in `order`, never less than before; values and `measured` by row.
    """
    ends, bucket, count = _bucketed(groups, group, order, values, measured)
    return Counts(ends, bucket | number << METRIC_BITS, count)


def merged_counts(parts: Sequence[Counts], order: Rows, starts: Int64) -> Counts:
    """Return one list for each group of rows: `order` brings them together, `starts` says where."""
    shifts = np.cumsum([0, *(len(part.bucket) for part in parts)])
    ends = [part.ends[1:] + shift for part, shift in zip(parts, shifts[:-1], strict=True)]
    bucket = np.concatenate([part.bucket for part in parts])
    return Counts(
        *_merged(
            np.concatenate([np.zeros(1, np.int64), *ends]),
            bucket,
            np.concatenate([part.count for part in parts]),
            order,
            starts,
            int(bucket.max(initial=0)) + 1,
        )
    )


@compiled(INT64S_OWN, INT64S_OWN, INT64, INT64, INT64, INT64)
def _count_in(buckets: Int64, counts: Int64, first: int, end: int, bucket: int, count: int) -> int:
    """Add to a bucket's count among the ordered ones of a group, [first, end); return their end."""
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        if buckets[middle] < bucket:
            low = middle + 1
        else:
            high = middle
    if low < end and buckets[low] == bucket:
        counts[low] += count
        return end
    for at in range(end, low, -1):
        buckets[at], counts[at] = buckets[at - 1], counts[at - 1]
    buckets[low], counts[low] = bucket, count
    return end + 1


@compiled(INT64, INT64S, INT64S, INT64S, BOOLS)
def _bucketed(
    groups: int, group: Int64, order: Rows, values: Int64, measured: Bool
) -> tuple[Int64, Int64, Int64]:
    """Count group by group: each bucket goes to its place among those of its group."""
    ends = np.zeros(groups + 1, np.int64)
    buckets = np.empty(len(order), np.int64)
    counts = np.empty(len(order), np.int64)
    end, first, before = 0, 0, 0
    for place in range(len(order)):
        mine = group[place]
        while before < mine:
            before += 1
            ends[before] = first = end
        row = order[place]
        if measured[row]:
            end = _count_in(buckets, counts, first, end, bucket_of_value(values[row]), 1)
    for number in range(before + 1, groups + 1):
        ends[number] = end
    return ends, buckets[:end].copy(), counts[:end].copy()


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S, INT64)
def _merged(
    ends: Int64, bucket: Int64, count: Int64, order: Rows, starts: Int64, buckets_end: int
) -> tuple[Int64, Int64, Int64]:
    """Count again what was counted, group by group, in a table of all buckets.

    Only the stretches of it are looked at in which the group has anything.
    """
    groups = len(starts) - 1
    found = np.zeros(groups + 1, np.int64)
    buckets = np.empty(len(bucket), np.int64)
    counts = np.empty(len(bucket), np.int64)
    table = np.zeros((buckets_end // _STRETCH + 1) * _STRETCH, np.int64)
    filled = np.zeros(buckets_end // _STRETCH + 1, np.bool_)
    end = 0
    for number in range(groups):
        first, last = len(filled), -1
        for place in range(starts[number], starts[number + 1]):
            row = order[place]
            for at in range(ends[row], ends[row + 1]):
                table[bucket[at]] += count[at]
                stretch = bucket[at] // _STRETCH
                filled[stretch] = True
                first, last = min(first, stretch), max(last, stretch)
        for stretch in range(first, last + 1):
            if not filled[stretch]:
                continue
            filled[stretch] = False
            for one in range(stretch * _STRETCH, (stretch + 1) * _STRETCH):
                if table[one]:
                    buckets[end], counts[end] = one, table[one]
                    table[one] = 0
                    end += 1
        found[number + 1] = end
    return found, buckets[:end].copy(), counts[:end].copy()
