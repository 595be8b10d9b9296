"""Spans in order of their channels, once eight days of them are over.

Spans come a day of all channels after the other: at 80,000 channels a circuit's month lay in 34
places of the table, 2 ms of a page, and each month that is kept added as many. In order of channels
it lies in one place for eight days. What comes late is appended as ever: readers need no order.
"""

from typing import Final

from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from processors.compaction import Compactor, Stand
from processors.statements import read, run
from processors.transactions import transaction

SPANS_DAYS: Final = 8
"""They are counted from 1970, and closed once all watermarks have passed their end by two hours."""


class SpanOrderer(Compactor):
    """Puts closed ranges of spans in order, a bounded piece at a time; only the writer calls it."""

    name = "ordered"
    width_s = SPANS_DAYS * DAY_SECONDS
    row_s = DAY_SECONDS  # a channel that stays as it is has a span a day
    oldest, waiting = "spans_oldest", "spans_channels"

    def _replace(self, stand: Stand, bounds: dict[str, int]) -> None:
        writer = self._store.writer
        with transaction(writer):
            found = read(writer, "spans_within", bounds)
            writer.execute(statement("processors", "spans_range_delete"), bounds).fetchall()
            self._at("spans taken out")
            run(writer, "spans_insert", new_spans=found)
            self._store_stand(stand.name, bounds["from_s"], bounds["last_channel_key"])
            self._at("before ordering committed")
        self._at("ordering committed")
