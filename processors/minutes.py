"""Minutes folded into one row a piece of a day, once nothing can change them (DESIGN 8).

Long after a day, when none of its samples can come any more and its months are final, time that
qualified for their objectives becomes one row for each piece that counts only as a whole. Sums over
such pieces stay what they were, to the last digit; minutes that did not qualify stay minutes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import duckdb
import pyarrow as pa

from linksla.inventory import DAY_SECONDS
from linksla.settings import RetentionSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.compaction import RollupCompactor, Stand
from processors.statements import read

Pieces = Sequence[tuple[int, int]]
Settled = Callable[[Sequence[str], int, int], Mapping[str, Pieces]]
"""The time of circuits within [from, to), in seconds and whole rollup steps, of which all counts
for the objectives of final months and each piece only as a whole. Left out: nothing is settled."""

_PIECES: Final = pa.schema(
    [
        pa.field("channel_key", pa.int32()),
        pa.field("from_s", pa.int64()),
        pa.field("to_s", pa.int64()),
    ]
)


class MinuteFolder(RollupCompactor):
    """Folds minutes of settled time into one row a piece and day."""

    name = "folded"
    narrower = ()

    def __init__(
        self,
        store: TelemetryStore,
        at: Callable[[str], None],
        retention: RetentionSettings,
        settled: Settled,
    ) -> None:
        """Remember what to fold; minutes that a sample may still change are never folded."""
        days = max(retention.minutes_days, retention.raw_days + 2)
        super().__init__(store, at, days * DAY_SECONDS)
        self._settled = settled
        self._pieces = _PIECES.empty_table()

    def _replace(self, stand: Stand, bounds: dict[str, int]) -> None:
        self._pieces = self._pieces_of(bounds)
        super()._replace(stand, bounds)

    def _read(self, writer: duckdb.DuckDBPyConnection, bounds: dict[str, int]) -> pa.Table:
        return read(writer, "rollup_parts_folded", bounds, pieces=self._pieces)

    def _pieces_of(self, bounds: dict[str, int]) -> pa.Table:
        range_ = {name: bounds[name] for name in ("first_channel_key", "last_channel_key")}
        channels = self._store.writer.execute(
            statement("processors", "circuits_of_channels"), range_
        ).fetchall()
        circuits = sorted({str(circuit) for _, circuit in channels})
        pieces = self._settled(circuits, bounds["from_s"], bounds["to_s"])
        rows = [
            {"channel_key": key, "from_s": from_s, "to_s": to_s}
            for key, circuit in channels
            for from_s, to_s in pieces.get(circuit, ())
        ]
        return pa.Table.from_pylist(rows, schema=_PIECES)
