"""How much of circuits is in the ledger: read once, and again where the writer has added to it."""

from collections.abc import Mapping, Sequence

import duckdb

from linksla.sql import statement
from processors.held import Held


class RememberedLedger:
    """A memory before the table `ledger`, two numbers a circuit; only the writer thread calls it.

    The ledger only grows, and is kept for ever: to count some circuits in it takes 1 ms while it is
    empty, and more with each late sample of anybody.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[str, tuple[int, int]] = {}  # how often added to, and what it came to

    def counts(
        self, cursor: duckdb.DuckDBPyConnection, keys: Mapping[str, Sequence[int]], held: Held
    ) -> dict[str, int]:
        """Return how many samples of circuits are in it, of those that have any.

        `keys`: the channels of each; `held`: what the writer holds of the commit the cursor shows.
        """
        noted = {name: held.noted(some) for name, some in keys.items()}
        unread = [name for name in keys if self._known.get(name, (-1, 0))[0] != noted[name]]
        if unread:
            asked = {"circuit_ids": unread}
            found = dict(cursor.execute(statement("sla", "ledger_counts"), asked).fetchall())
            self._known |= {name: (noted[name], found.get(name, 0)) for name in unread}
        return {name: count for name in keys if (count := self._known[name][1])}
