"""Customers, circuits and channels: who owns what, from when to when.

A circuit's grid is fixed for its life. Channels come and go: nothing counts from 1 to 4.
Instants are whole seconds on the Unix epoch; `None` as an end means "still".
"""

import unicodedata
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from linksla.clock import parse_instant
from linksla.config import STRICT, load
from linksla.errors import ConfigError

NAME_CHARACTERS_MAX: Final = 200
GRIDS_SECONDS: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
DAY_SECONDS: Final = 86_400


def printable(name: str) -> bool:
    """Return whether a name is safe to print: no control, bidirectional or line characters."""
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp", "Cs") for c in name)


def _name(value: str) -> str:
    if not value or len(value) > NAME_CHARACTERS_MAX:
        message = f"a name has 1 to {NAME_CHARACTERS_MAX} characters"
        raise ValueError(message)
    if not printable(value):
        message = "a name holds no control or bidirectional characters"
        raise ValueError(message)
    return value


def _grid(value: int) -> int:
    if value in GRIDS_SECONDS or (value > 0 and value % 60 == 0 and DAY_SECONDS % value == 0):
        return value
    message = f"a grid is one of {GRIDS_SECONDS} or a multiple of 60 s that divides a day"
    raise ValueError(message)


def _instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_name)]
Grid = Annotated[int, AfterValidator(_grid)]
Instant = Annotated[int, BeforeValidator(_instant)]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Customer:
    """Who pays for circuits."""

    id: Name
    name: Name


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Channel:
    """One of a circuit's paths, with its own probe and BGP session."""

    name: Name
    active_from: Instant | None = None
    active_to: Instant | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Ownership:
    """A customer's hold on a circuit, [start, end)."""

    customer: Name
    start: Instant | None = None
    end: Instant | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Circuit:
    """A private link, from a customer's site to a cloud region."""

    id: Name
    owners: tuple[Ownership, ...] = Field(min_length=1)
    contract: Name
    site: Name
    region: Name
    bandwidth_mbps: int = Field(gt=0)
    grid_seconds: Grid
    channels: tuple[Channel, ...] = Field(min_length=1)
    active_from: Instant
    active_to: Instant | None = None

    def owner_at(self, second: int) -> str | None:
        """Return the customer who owns the circuit at an instant, or None."""
        for owner in self.owners:
            starts = owner.start is None or owner.start <= second
            if starts and (owner.end is None or second < owner.end):
                return owner.customer
        return None

    def channel_active(self, channel: Channel) -> tuple[int, int | None]:
        """Return [from, to) in which a channel counts: its own time within the circuit's."""
        start = max(self.active_from, channel.active_from or self.active_from)
        ends = [end for end in (self.active_to, channel.active_to) if end is not None]
        return start, min(ends) if ends else None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class _InventoryFile:
    customers: tuple[Customer, ...]
    circuits: tuple[Circuit, ...]


@plain_dataclass(frozen=True, slots=True)
class Inventory:
    """All customers and circuits, by id."""

    customers: dict[str, Customer]
    circuits: dict[str, Circuit]


def load_inventory(path: Path) -> Inventory:
    """Read an inventory file.

    Raises:
        ConfigError: it does not fit, an id stands twice, or an owner is not a customer.
    """
    file = load(path, _InventoryFile)
    customers = {customer.id: customer for customer in file.customers}
    circuits = {circuit.id: circuit for circuit in file.circuits}
    if len(customers) < len(file.customers) or len(circuits) < len(file.circuits):
        raise ConfigError("an id stands twice", where=str(path), hint="Make ids unique.")
    for circuit in file.circuits:
        for owner in circuit.owners:
            if owner.customer not in customers:
                raise ConfigError(
                    f"circuit {circuit.id!r} belongs to unknown customer {owner.customer!r}",
                    where=str(path),
                    hint=f"Known: {', '.join(sorted(customers))}.",
                )
        names = [channel.name for channel in circuit.channels]
        if len(set(names)) < len(names):
            raise ConfigError(f"circuit {circuit.id!r} names a channel twice", where=str(path))
    return Inventory(customers, circuits)
