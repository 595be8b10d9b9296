"""The network that questions are answered from; it can be taken over by another while they come."""

import copy
import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Concatenate, Final, ParamSpec, TypeVar

import duckdb

from linksla.inventory import Inventory
from linksla.stores import TelemetryStore
from processors.held import Commits, Held
from sla import telemetry
from sla.attributions import Reclassification
from sla.contracts import Contract
from sla.history import Historian
from sla.maintenance import MaintenanceWindow
from sla.ownership import owned
from sla.periods import Ownership
from sla.remembered import RememberedHistories
from sla.scope import Scope
from sla.snapshots import Snapshots
from sla.telemetry import Telemetry

Reclassified = Mapping[str, tuple[Reclassification, ...]]
"""What people said about outages, by circuit."""

_SCOPES_MAX: Final = 16

_T = TypeVar("_T")
_P = ParamSpec("_P")


class OnNetwork:
    """Base of `sla.queries.Queries`, whose network can be changed.

    Each public method of a subclass answers one call from one network throughout, whatever is
    taken over meanwhile.
    """

    def __init__(
        self,
        store: TelemetryStore,
        inventory: Inventory,
        contracts: Mapping[str, tuple[Contract, ...]],
        maintenance: Sequence[MaintenanceWindow],
        reclassified: Reclassified | None = None,
        commits: Commits | None = None,
    ) -> None:
        self._commits = commits or Commits()
        self._store = store
        self._snapshots = Snapshots(store)
        self._inventory = inventory
        self._contracts = contracts
        self._maintenance = tuple(maintenance)
        self._histories = RememberedHistories(
            Historian(inventory, contracts, maintenance, reclassified)
        )
        self._seen_lock = threading.Lock()
        self._seen: dict[Scope, dict[str, tuple[Ownership, ...]]] = {}
        self._now: OnNetwork = self

    def __init_subclass__(cls) -> None:
        """Have the public methods answered by the object that holds the present network."""
        for name, member in list(vars(cls).items()):
            if not name.startswith("_") and inspect.isfunction(member):
                setattr(cls, name, _of_now(member))

    def take_over(
        self,
        inventory: Inventory,
        maintenance: Sequence[MaintenanceWindow],
        reclassified: Reclassified | None = None,
    ) -> None:
        """Answer from another network from now on, all at once; calls under way end as begun.

        What is remembered of circuits that did not change stays remembered.
        """
        fresh = copy.copy(self)
        fresh._inventory, fresh._seen = inventory, {}
        fresh._maintenance = tuple(maintenance)
        historian = Historian(inventory, self._contracts, maintenance, reclassified)
        fresh._histories = self._histories.judged_by(historian)
        fresh._now = fresh
        self._now = fresh

    @property
    def maintenance(self) -> tuple[MaintenanceWindow, ...]:
        """The windows as they stand, for whoever mutes alarms."""
        return self._now._maintenance

    def _visible(
        self, scope: Scope, circuit_ids: Iterable[str]
    ) -> dict[str, tuple[Ownership, ...]]:
        """Return the circuits that exist for a scope, with what of their time it may see."""
        circuits = self._inventory.circuits
        return {
            name: owns
            for name in circuit_ids
            if name in circuits and (owns := owned(circuits[name], scope))
        }

    def _everything(self, scope: Scope) -> Mapping[str, tuple[Ownership, ...]]:
        """Return `_visible` of all circuits, remembered: of 20,000 it takes 30 ms to find out."""
        with self._seen_lock:
            found = self._seen.get(scope)
        if found is None:
            found = self._visible(scope, self._inventory.circuits)
            with self._seen_lock:
                while len(self._seen) >= _SCOPES_MAX:
                    self._seen.pop(next(iter(self._seen)))
                self._seen[scope] = found
        return found

    def at_once(self) -> AbstractContextManager[None]:
        """Answer all that this thread asks within the block from one instant.

        What several questions need is then read once: a page asks a dozen.
        """
        return self._snapshots.hold()

    def _held(self, cursor: duckdb.DuckDBPyConnection) -> Held | None:
        """Return what the writer holds of the commit that a cursor shows."""
        return self._commits.shown_by(cursor)

    @contextmanager
    def _snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor in one read transaction: folded and provisional parts fit together."""
        with self._snapshots.one() as snapshot:
            yield snapshot.cursor

    @contextmanager
    def _facts(
        self, circuit_ids: Iterable[str]
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Telemetry]]:
        """Lend a snapshot's cursor and what the judge needs to know of circuits."""
        names = tuple(circuit_ids)
        with self._snapshots.one() as snapshot:
            facts = snapshot.memory.get(names)
            if not isinstance(facts, Telemetry):
                facts = telemetry.read(snapshot.cursor, names, self._held(snapshot.cursor))
                if len(names) == 1:
                    facts = replace(facts, readings={})
                snapshot.memory[names] = facts
            yield snapshot.cursor, facts


def _of_now(
    method: Callable[Concatenate[OnNetwork, _P], _T],
) -> Callable[Concatenate[OnNetwork, _P], _T]:
    @functools.wraps(method)
    def call(self: OnNetwork, /, *arguments: _P.args, **named: _P.kwargs) -> _T:
        return method(self._now, *arguments, **named)

    return call
