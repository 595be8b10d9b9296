"""Metrics over time, for charts."""

from collections.abc import Sequence

import duckdb

from linksla.inventory import Circuit
from sla.answers import Series
from sla.contracts import Contract
from sla.months import Ownership


def read_series(
    cursor: duckdb.DuckDBPyConnection,
    circuit: Circuit,
    contract: Contract,
    owns: Sequence[Ownership],
    metric: str,
    start_s: int,
    end_s: int,
    step_s: int,
) -> Series:
    """Return a metric over [start_s, end_s), one line a channel."""
    raise NotImplementedError
