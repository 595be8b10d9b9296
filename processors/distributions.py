"""Distributions of other metrics than latency: kept where a contract asks a percentile of them.

They lie in `latency_histogram` beside latency's, and are recomputed, compacted and folded with it.
"""

from collections.abc import Iterator, Mapping, Set

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.compiled import BOOLS, INT64S, compiled
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

_COLUMNS = {"jitter": "jitter_us", "throughput_rx": "rx_bps", "throughput_tx": "tx_bps"}
_ASKED = pa.schema([("contract", pa.string()), ("metrics", pa.uint8())])


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


def histograms(samples: pa.Table, order: Rows, group: Int64, kept: Int64) -> Iterator[pa.Table]:
    """Yield the counts of each metric that some row's channel keeps.

    `group` is by place in `order`, `kept` (bits) by row.
    """
    for metric, number in DISTRIBUTIONS.items():
        wanted = (kept >> number & 1).astype(np.bool_)
        if metric != "latency" and wanted.any():
            values, measured = _values(samples, metric)
            yield histogram(group, order, values, wanted & measured, number)


def _values(samples: pa.Table, metric: str) -> tuple[Int64, Bool]:
    if metric == "loss":
        loss = loss_of(samples)
        return loss, loss != LOSS_UNKNOWN
    column = _COLUMNS[metric]
    return integers_or_zero(samples, column), known(samples, column)


def histogram(
    group: Int64, order: Rows, values: Int64, measured: Bool, number: int = 0
) -> pa.Table:
    """Return how many values of each group lie in each bucket of a metric.

    `group` is by place in `order`, never less than before; values and `measured` by row.
    """
    groups, buckets, counts = _bucketed(group, order, values, measured)
    return pa.table(
        {
            "group": groups,
            "bucket": (buckets | number << METRIC_BITS).astype(np.int32),
            "count": counts,
        }
    )


@compiled(INT64S, INT64S, INT64S, BOOLS)
def _bucketed(
    group: Int64, order: Rows, values: Int64, measured: Bool
) -> tuple[Int64, Int64, Int64]:
    """Count group by group: each bucket goes to its place among those of its group."""
    groups = np.empty(len(order), np.int64)
    buckets = np.empty(len(order), np.int64)
    counts = np.empty(len(order), np.int64)
    end, first = 0, 0
    for place in range(len(order)):
        row = order[place]
        if not measured[row]:
            continue
        mine = group[place]
        if end == 0 or groups[end - 1] != mine:
            first = end
        bucket = bucket_of_value(values[row])
        low, high = first, end
        while low < high:
            middle = (low + high) // 2
            if buckets[middle] < bucket:
                low = middle + 1
            else:
                high = middle
        if low < end and buckets[low] == bucket:
            counts[low] += 1
            continue
        for at in range(end, low, -1):
            buckets[at], counts[at] = buckets[at - 1], counts[at - 1]
        groups[end], buckets[low], counts[low] = mine, bucket, 1
        end += 1
    return groups[:end].copy(), buckets[:end].copy(), counts[:end].copy()
