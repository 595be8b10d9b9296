"""Latency and loss objectives (DESIGN 7.7)."""

import duckdb

from linksla.inventory import Circuit
from sla.answers import ObjectiveAnswer
from sla.months import Period


class Performance:
    """Reads rollups and histograms for the objectives of a period."""

    def objectives(
        self, cursor: duckdb.DuckDBPyConnection, circuit: Circuit, period: Period
    ) -> tuple[ObjectiveAnswer, ...]:
        """Return the answers of the contract's latency and loss objectives, in its order."""
        return ()
