"""The one door to every number: page, API, report, alert and Grafana all come through here.

Each method takes a scope; what is out of scope answers exactly like what does not exist: None, or
an empty tuple. Reads materialise at once and give the cursor back.
"""

from collections.abc import Sequence

from linksla.clock import Clock
from linksla.inventory import Circuit, Customer, Inventory
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.answers import (
    AlarmAnswer,
    CircuitSummary,
    ExclusionAnswer,
    Freshness,
    LedgerLine,
    MonthAnswer,
    Outage,
    Series,
    Tape,
)
from sla.contracts import Contract
from sla.maintenance import MaintenanceWindow
from sla.scope import Scope


class Queries:
    """Answers about circuits, months, outages, alarms; safe in any thread."""

    def __init__(
        self,
        store: TelemetryStore,
        inventory: Inventory,
        contracts: dict[str, tuple[Contract, ...]],
        maintenance: Sequence[MaintenanceWindow],
        time: TimeSettings,
        clock: Clock,
    ) -> None:
        """Remember where to read; `contracts` by id, versions in order of validity."""

    def customers(self, scope: Scope) -> tuple[Customer, ...]:
        """Return the customers in scope, by id."""
        raise NotImplementedError

    def circuits(self, scope: Scope) -> tuple[CircuitSummary, ...]:
        """Return the circuits in scope as they stand, by id."""
        raise NotImplementedError

    def circuit(self, scope: Scope, circuit_id: str) -> CircuitSummary | None:
        """Return one circuit as it stands, or None."""
        raise NotImplementedError

    def inventory_of(self, scope: Scope, circuit_id: str) -> Circuit | None:
        """Return the inventory's entry of a circuit, or None."""
        raise NotImplementedError

    def contract_of(self, scope: Scope, circuit_id: str) -> Contract | None:
        """Return the contract version in force at the circuit's complete_up_to, or None."""
        raise NotImplementedError

    def months(self, scope: Scope, circuit_id: str) -> tuple[str, ...]:
        """Return the months (YYYY-MM) the circuit has any complete time in, oldest first."""
        raise NotImplementedError

    def month(self, scope: Scope, circuit_id: str, month: str) -> MonthAnswer | None:
        """Return DESIGN 9's answer, or None: no such circuit, not in scope, or no such month."""
        raise NotImplementedError

    def customer_month(
        self, scope: Scope, customer_id: str, month: str
    ) -> tuple[MonthAnswer, ...] | None:
        """Return the answers of all the customer's circuits, by circuit id, or None."""
        raise NotImplementedError

    def tape(self, scope: Scope, circuit_id: str, start_s: int, end_s: int) -> Tape | None:
        """Return the buckets and channel states of a range, provisional part included, or None."""
        raise NotImplementedError

    def outages(
        self, scope: Scope, circuit_id: str, start_s: int, end_s: int
    ) -> tuple[Outage, ...] | None:
        """Return the outages that touch a range, oldest first, or None."""
        raise NotImplementedError

    def exclusions(
        self, scope: Scope, circuit_id: str, start_s: int, end_s: int
    ) -> tuple[ExclusionAnswer, ...] | None:
        """Return the maintenance records that touch a range, refused ones too, or None."""
        raise NotImplementedError

    def series(
        self, scope: Scope, circuit_id: str, metric: str, start_s: int, end_s: int, step_s: int
    ) -> Series | None:
        """Return a metric over time, one line a channel, or None.

        Raises:
            UsageError: an unknown metric, or more than 10,000 points.
        """
        raise NotImplementedError

    def alarms(self, scope: Scope, *, raised_only: bool = False) -> tuple[AlarmAnswer, ...]:
        """Return alarms as they stand: raised critical first, then oldest."""
        raise NotImplementedError

    def ledger(self, scope: Scope, circuit_id: str | None = None) -> tuple[LedgerLine, ...]:
        """Return the counts of late, duplicate, conflicting and rejected samples."""
        raise NotImplementedError

    def freshness(self, scope: Scope) -> Freshness:
        """Return how complete the circuits in scope are."""
        raise NotImplementedError
