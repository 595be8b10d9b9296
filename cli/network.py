"""The network as it stands: the files, overridden by what was announced and decided.

Every announcement is kept in the decisions store with its append time, once. What cannot be used
changes nothing and becomes a dead letter. Nothing here is in the way of samples: those of circuits
not known yet are pending until their circuit is announced.
"""

import logging
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from cli.configuration import Configuration
from linksla.announcements import (
    CIRCUIT,
    CUSTOMER,
    Announcement,
    BadAnnouncement,
    key_of,
    read_inventory,
)
from linksla.decisions import (
    DecisionsStore,
    inventory_revisions,
    maintenance_decisions,
    maintenance_revisions,
    outage_words,
)
from linksla.inventory import Circuit, Customer, Inventory
from linksla.names import TOPIC_INVENTORY
from sla.announced import Revision, Word, read_window, windows_in_force
from sla.attributions import AttributionWord, reclassifications
from sla.desk import BY_PEOPLE
from sla.desk import read_words as read_attributions
from sla.maintenance import MaintenanceWindow
from sla.network import Reclassified

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """An announcement that cannot be used, and why."""

    announcement: Announcement
    reason: str


@dataclass
class _Heard:
    """All revisions in order of announcement, parsed; None withdraws."""

    inventory: dict[str, list[Customer | Circuit | None]] = field(default_factory=dict)
    maintenance: dict[str, list[Revision]] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    attributions: list[AttributionWord] = field(default_factory=list)


class Network:
    """Files, announcements and decisions as one inventory and one list of windows."""

    def __init__(self, configuration: Configuration, decisions: DecisionsStore) -> None:
        """Remember where to look; `load` reads."""
        self._configuration = configuration
        self._decisions = decisions
        self._heard = _Heard()
        self._words_read = (-1, -1, -1)
        self.inventory: Inventory = configuration.inventory
        self.maintenance: tuple[MaintenanceWindow, ...] = configuration.maintenance
        self.reclassified: Reclassified = configuration.reclassified

    def load(self) -> None:
        """Read what was announced and decided before."""
        with self._decisions.engine.begin() as connection:
            for row in connection.execute(
                sa.select(inventory_revisions).order_by(inventory_revisions.c.number)
            ):
                body = None if row.body is None else read_inventory(row.key, row.body.encode())
                self._heard.inventory.setdefault(row.key, []).append(body)
            self._heard.maintenance = read_revisions(connection)
        self._read_words()
        self._build()

    def hear(self, announcements: Sequence[Announcement]) -> list[BadRecord]:
        """Take over what was announced; return what cannot be used.

        Heard before: ignored, by topic, partition and offset.
        """
        bad = []
        with self._decisions.engine.begin() as connection:
            for announcement in announcements:
                try:
                    self._take(connection, announcement)
                except BadAnnouncement as error:
                    log.warning(
                        "announcement at %s offset %d is refused: %s",
                        announcement.topic, announcement.offset, error,
                    )  # fmt: skip
                    bad.append(BadRecord(announcement, str(error)))
        decided = self._read_words()
        if decided or len(bad) < len(announcements):
            self._build()
        return bad

    def _take(self, connection: Connection, announcement: Announcement) -> None:
        key, value = key_of(announcement), announcement.value
        of_inventory = announcement.topic == TOPIC_INVENTORY
        table = inventory_revisions if of_inventory else maintenance_revisions
        place = {
            "topic_id": announcement.topic_id,
            "partition": announcement.partition,
            "offset": announcement.offset,
        }
        if connection.execute(sa.select(table.c.number).filter_by(**place)).first() is not None:
            return
        entry = self._inventory_entry(key, value) if of_inventory else None
        window = None if of_inventory or value is None else read_window(key, value)
        inserted = connection.execute(
            table.insert().values(
                **place,
                key=key,
                announced_at_us=announcement.append_time_us,
                body=None if value is None else value.decode(),
            )
        )
        if of_inventory:
            self._heard.inventory.setdefault(key, []).append(entry)
            return
        number = int((inserted.inserted_primary_key or (0,))[0])
        revision = Revision(number, announcement.append_time_us, window)
        self._heard.maintenance.setdefault(key, []).append(revision)

    def _inventory_entry(self, key: str, value: bytes | None) -> Customer | Circuit | None:
        if value is not None:
            entry = read_inventory(key, value)
            if isinstance(entry, Circuit):
                self._check_circuit(entry)
            return entry
        if not key.startswith((CUSTOMER, CIRCUIT)):
            raise BadAnnouncement(f"the key is {CUSTOMER}<id> or {CIRCUIT}<id>")
        if key.startswith(CUSTOMER):
            self._check_without(key.removeprefix(CUSTOMER))
        return None

    def _check_circuit(self, circuit: Circuit) -> None:
        if circuit.contract not in self._configuration.contracts:
            raise BadAnnouncement(f"there is no contract {circuit.contract!r}")
        for before in self._ever(circuit.id):
            if before.grid_seconds != circuit.grid_seconds:
                raise BadAnnouncement(
                    f"the grid is {before.grid_seconds} s for the circuit's life, not "
                    f"{circuit.grid_seconds} s"
                )
        standing = self._last(circuit.id)
        names = {channel.name for channel in circuit.channels}
        gone = (
            [] if standing is None else [c.name for c in standing.channels if c.name not in names]
        )
        if gone:
            raise BadAnnouncement(f"channel {gone[0]!r} is left out; end it with active_to")

    def _ever(self, circuit_id: str) -> list[Circuit]:
        """Return all entries a circuit ever had."""
        entries = [self._configuration.inventory.circuits.get(circuit_id)]
        heard = self._heard.inventory.get(f"{CIRCUIT}{circuit_id}", [])
        return [c for c in (*entries, *heard) if isinstance(c, Circuit)]

    def _last(self, circuit_id: str) -> Circuit | None:
        heard = self._heard.inventory.get(f"{CIRCUIT}{circuit_id}")
        entry = heard[-1] if heard else self._configuration.inventory.circuits.get(circuit_id)
        return entry if isinstance(entry, Circuit) else None

    def _check_without(self, customer_id: str) -> None:
        self._build()
        for circuit in self.inventory.circuits.values():
            if any(owner.customer == customer_id for owner in circuit.owners):
                raise BadAnnouncement(f"circuit {circuit.id!r} names the customer as an owner")

    def _read_words(self) -> bool:
        """Read people's decisions when there are new ones, by this process or another."""
        with self._decisions.engine.begin() as connection:
            by_people = maintenance_revisions.c.topic_id == BY_PEOPLE
            newest = (
                _newest(connection, maintenance_decisions.c.number),
                _newest(connection, outage_words.c.number),
                _newest(connection, maintenance_revisions.c.number, by_people),
            )
            if newest == self._words_read:
                return False
            self._heard.words = read_words(connection)
            self._heard.attributions = read_attributions(connection)
            self._heard.maintenance = read_revisions(connection)
        self._words_read = newest
        return True

    def _build(self) -> None:
        base = self._configuration.inventory
        customers, circuits = dict(base.customers), dict(base.circuits)
        for key, entries in self._heard.inventory.items():
            if key.startswith(CUSTOMER):
                name, customer = key.removeprefix(CUSTOMER), entries[-1]
                customers.pop(name, None)
                if isinstance(customer, Customer):
                    customers[name] = customer
        for key, entries in self._heard.inventory.items():
            if key.startswith(CIRCUIT):
                name = key.removeprefix(CIRCUIT)
                _override(circuits, name, entries, customers, self._configuration.contracts)
        self.inventory = Inventory(customers, circuits)
        self.maintenance = windows_in_force(
            self._configuration.maintenance, self._heard.maintenance, self._heard.words
        )
        self.reclassified = reclassifications(self._heard.attributions)

    @property
    def configuration(self) -> Configuration:
        """The configuration with what was announced and decided put over its files."""
        return replace(
            self._configuration,
            inventory=self.inventory,
            maintenance=self.maintenance,
            reclassified=self.reclassified,
        )


def _newest(connection: Connection, number: sa.Column[int], *which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.max(number)).where(*which)).scalar() or 0


def read_revisions(connection: Connection) -> dict[str, list[Revision]]:
    """Return every word announced on each window, in order."""
    found: dict[str, list[Revision]] = {}
    for row in connection.execute(
        sa.select(maintenance_revisions).order_by(maintenance_revisions.c.number)
    ):
        window = None if row.body is None else read_window(row.key, row.body.encode())
        found.setdefault(row.key, []).append(Revision(row.number, row.announced_at_us, window))
    return found


def read_words(connection: Connection) -> dict[str, Word]:
    """Return the latest decision of a person on each window."""
    rows = connection.execute(
        sa.select(maintenance_decisions).order_by(maintenance_decisions.c.number)
    )
    return {row.window_id: Word(row.revision_number, row.accepted, row.who) for row in rows}


def _override(
    circuits: dict[str, Circuit],
    name: str,
    entries: Sequence[Customer | Circuit | None],
    customers: Container[str],
    contracts: Container[str],
) -> None:
    """Put the newest usable entry in force: compaction may bring a circuit before its customer."""
    for entry in reversed(entries):
        if not isinstance(entry, Circuit):
            circuits.pop(name, None)
            return
        known = entry.contract in contracts
        if known and all(owner.customer in customers for owner in entry.owners):
            circuits[name] = entry
            return


def touched(
    before: Inventory,
    after: Inventory,
    windows_before: Sequence[MaintenanceWindow],
    windows_after: Sequence[MaintenanceWindow],
    reclassified_before: Reclassified,
    reclassified_after: Reclassified,
) -> frozenset[str]:
    """Return the circuits whose numbers may differ between two networks."""
    changed = {
        name for name, circuit in after.circuits.items() if before.circuits.get(name) != circuit
    }
    moved = set(windows_before) ^ set(windows_after)
    for window in moved:
        changed.update(name for name, c in after.circuits.items() if window.covers(c))
    for name in reclassified_before.keys() | reclassified_after.keys():
        if reclassified_before.get(name) != reclassified_after.get(name):
            changed.add(name)
    return frozenset(changed & after.circuits.keys())
