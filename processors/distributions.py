"""Distributions of other metrics than latency: kept where a contract asks a percentile of them.

They lie in `latency_histogram` beside latency's, and are recomputed, compacted and folded with it.
"""

from collections.abc import Iterator, Mapping, Set

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.inventory import Inventory
from linksla.sql import statement
from processors.buckets import DISTRIBUTIONS, METRIC_BITS, buckets_of
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


def histograms(
    samples: pa.Table, order: npt.NDArray[np.intp], group: Int64, kept: Int64
) -> Iterator[pa.Table]:
    """Yield the counts of each metric that some row's channel keeps.

    `group` and `kept` (bits) are by row in `order`.
    """
    for metric, number in DISTRIBUTIONS.items():
        wanted = (kept >> number & 1).astype(np.bool_)
        if metric != "latency" and wanted.any():
            values, measured = _values(samples, metric, order)
            rows = wanted & measured
            yield histogram(group[rows], values[rows], number)


def _values(samples: pa.Table, metric: str, order: npt.NDArray[np.intp]) -> tuple[Int64, Bool]:
    if metric == "loss":
        loss = loss_of(samples)[order]
        return loss, loss != LOSS_UNKNOWN
    column = _COLUMNS[metric]
    return integers_or_zero(samples, column)[order], known(samples, column)[order]


def histogram(group: Int64, values: Int64, number: int = 0) -> pa.Table:
    """Return how many values of each group lie in each bucket of a metric."""
    code = np.sort((group << METRIC_BITS) | buckets_of(values))
    begins = np.ones(len(code), np.bool_)
    begins[1:] = code[1:] != code[:-1]
    starts = np.flatnonzero(begins)
    bucket = (code[starts] & ((1 << METRIC_BITS) - 1)) | (number << METRIC_BITS)
    return pa.table(
        {
            "group": code[starts] >> METRIC_BITS,
            "bucket": bucket.astype(np.int32),
            "count": np.diff(np.append(starts, len(code))),
        }
    )
