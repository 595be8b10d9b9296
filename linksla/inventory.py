"""Customers, circuits and channels: who owns what, from when to when.

A circuit's grid is fixed for its life. Channels come and go: nothing counts from 1 to 4.
Instants are whole seconds on the Unix epoch; `None` as an end means "still".
"""

import itertools
import re
import unicodedata
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from linksla.clock import parse_instant
from linksla.config import STRICT, load
from linksla.errors import ConfigError
from linksla.jitter import JitterKind

NAME_CHARACTERS_MAX: Final = 200
GRIDS_SECONDS: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
DAY_SECONDS: Final = 86_400
_AMOUNT: Final = re.compile(r"\d{1,12}(\.\d{1,6})?")
_T = TypeVar("_T")


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


def _amount(value: object) -> object:
    """An int is taken as it is written; a float has no exact decimal and is refused."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _decimal(value: str) -> str:
    if _AMOUNT.fullmatch(value):
        return value
    message = "an amount is a decimal number such as 1500 or 1499.50"
    raise ValueError(message)


def _currency(value: str) -> str:
    if len(value) == 3 and value.isascii() and value.isalpha() and value.isupper():
        return value
    message = "a currency has three capital letters (ISO 4217), such as USD"
    raise ValueError(message)


def _in_order(value: tuple[_T, ...]) -> tuple[_T, ...]:
    """Each entry of a history starts after the one before; only the first may have no start."""
    starts = [getattr(entry, "start", None) for entry in value]
    for before, after in itertools.pairwise(starts):
        if after is None or (before is not None and after <= before):
            message = "each entry must start after the one before"
            raise ValueError(message)
    return value


Name = Annotated[str, AfterValidator(_name)]
Grid = Annotated[int, AfterValidator(_grid)]
Instant = Annotated[int, BeforeValidator(_instant)]
Amount = Annotated[str, BeforeValidator(_amount), AfterValidator(_decimal)]
Currency = Annotated[str, AfterValidator(_currency)]


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
class Price:
    """What a circuit costs a month, from an instant on."""

    start: Instant | None = None  # None: from the circuit's beginning
    amount: Amount  # exact decimal text
    currency: Currency


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """A circuit's bandwidth from an instant on."""

    start: Instant
    mbps: int = Field(gt=0)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Circuit:
    """A private link, from a customer's site to a cloud region."""

    id: Name
    owners: tuple[Ownership, ...] = Field(min_length=1)
    contract: Name
    site: Name
    region: Name
    bandwidth_mbps: int = Field(gt=0)  # before the first of `bandwidths`
    grid_seconds: Grid
    channels: tuple[Channel, ...] = Field(min_length=1)
    active_from: Instant
    active_to: Instant | None = None
    bandwidths: Annotated[tuple[Bandwidth, ...], AfterValidator(_in_order)] = ()
    prices: Annotated[tuple[Price, ...], AfterValidator(_in_order)] = ()
    jitter_kind: JitterKind | None = None  # which of the four its probes measure; None: not said

    def bandwidth_at(self, second: int) -> int:
        """Return the bandwidth in force at an instant, in Mbit/s."""
        found = self.bandwidth_mbps
        for change in self.bandwidths:
            if change.start <= second:
                found = change.mbps
        return found

    def price_at(self, second: int) -> Price | None:
        """Return the price in force at an instant, or None: not known."""
        found = None
        for price in self.prices:
            if price.start is None or price.start <= second:
                found = price
        return found

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
