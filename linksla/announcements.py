"""What is announced on `link.inventory` and `link.maintenance`: keys and strict JSON.

The JSON has the keys of the YAML files; a null value withdraws. Keys: `customer:<id>`,
`circuit:<id>`, and a window's id.
"""

import json
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from linksla.inventory import Circuit, Customer, printable

T = TypeVar("T")

VALUE_BYTES_MAX: Final = 1024 * 1024  # a circuit with years of history has some 10 kB
_KEY_CHARACTERS_MAX: Final = 220
CUSTOMER: Final = "customer:"
CIRCUIT: Final = "circuit:"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One record as it came."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    append_time_us: int
    key: bytes | None
    value: bytes | None


class BadAnnouncement(ValueError):
    """The record cannot be used; the text says why."""


def key_of(announcement: Announcement) -> str:
    """Return the key as text.

    Raises:
        BadAnnouncement: there is none, or it is no printable UTF-8 of reasonable length.
    """
    try:
        key = (announcement.key or b"").decode()
    except UnicodeDecodeError:
        raise BadAnnouncement("the key is not UTF-8") from None
    if not key or len(key) > _KEY_CHARACTERS_MAX or not printable(key):
        raise BadAnnouncement(f"the key has 1 to {_KEY_CHARACTERS_MAX} printable characters")
    return key


def read_json(value: bytes) -> dict[str, object]:
    """Return a JSON object; numbers with a point stay text, as in YAML files.

    Raises:
        BadAnnouncement: not JSON, no object, a key twice, NaN, too large or too deep.
    """
    if len(value) > VALUE_BYTES_MAX:
        raise BadAnnouncement(f"{len(value):,} bytes, more than {VALUE_BYTES_MAX:,}")
    try:
        found = json.loads(
            value.decode(), object_pairs_hook=_object, parse_float=str, parse_constant=_constant
        )
    except BadAnnouncement:
        raise
    except (ValueError, RecursionError) as error:
        raise BadAnnouncement(f"not JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise BadAnnouncement("not a JSON object")
    return found


def fit(plain: dict[str, object], kind: type[T]) -> T:
    """Return the object as `kind`, a strict pydantic dataclass.

    Raises:
        BadAnnouncement: it does not fit; the first misfit by name.
    """
    try:
        return TypeAdapter(kind).validate_python(plain)
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise BadAnnouncement("nested too deep") from None
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise BadAnnouncement(f"{where}: {said}") from None


def read_inventory(key: str, value: bytes) -> Customer | Circuit:
    """Return the customer or circuit a record of `link.inventory` describes.

    Raises:
        BadAnnouncement: key and value do not fit, or one another.
    """
    found: Customer | Circuit
    if key.startswith(CUSTOMER):
        found = fit(read_json(value), Customer)
    elif key.startswith(CIRCUIT):
        found = fit(read_json(value), Circuit)
    else:
        raise BadAnnouncement(f"the key is {CUSTOMER}<id> or {CIRCUIT}<id>")
    if found.id != key.partition(":")[2]:
        raise BadAnnouncement(f"the key names another id than the value, {found.id!r}")
    if isinstance(found, Circuit):
        _check(found)
    return found


def _check(circuit: Circuit) -> None:
    names = [channel.name for channel in circuit.channels]
    if len(set(names)) < len(names):
        raise BadAnnouncement("names a channel twice")
    if circuit.active_to is not None and circuit.active_to <= circuit.active_from:
        raise BadAnnouncement("active_to is not after active_from")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadAnnouncement("a key is given twice")
    return found


def _constant(name: str) -> NoReturn:
    raise BadAnnouncement(f"{name} is no number")
