"""Which column of a file means what: a strict YAML file, or words on the command line."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT, load
from linksla.errors import ConfigError, UsageError
from linksla.wire import WIRE_SCHEMA

TARGETS: Final = tuple(WIRE_SCHEMA.names)
"""What can be mapped: the fields of a `LinkSample`."""

FACTORS: Final = {
    "interval_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3},
    "latency_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3},
    "jitter_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3},
    "loss_ratio": {"ratio": 1.0, "percent": 1e-2, "%": 1e-2},
    "rx_bps": {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9},
    "tx_bps": {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9},
}
"""What a unit is in the unit of the wire. A unit stands behind the column: `latency_ms=rtt us`."""

_SHORT: Final = {
    "circuit": "circuit_id", "time": "observed_at", "interval": "interval_ms",
    "latency": "latency_ms", "rtt": "latency_ms", "jitter": "jitter_ms", "loss": "loss_ratio",
    "rx": "rx_bps", "tx": "tx_bps", "bgp": "bgp_state",
}  # fmt: skip

_OPTIONS: Final = ("delimiter", "decimal", "zone", "times", "lost_above", "lost_below", "repeated")


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Column:
    """Where a field comes from: a column of the file, or one value for all rows."""

    column: str | None = None
    constant: str | None = None  # {stem} stands for the file's name without its ending
    unit: str | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Times:
    """How instants are written. Formats are tried in turn, for each value."""

    zone: str = "UTC"  # of what is written without an offset
    formats: tuple[str, ...] = ("iso", "epoch", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")
    # Coarse times repeat; two rows are two measurements, so the second goes 1 µs later. `same`
    # leaves them, and the pipeline then keeps one of them.
    repeated: Literal["apart", "same"] = "apart"


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Lost:
    """A row is lost unless its latency lies between these (ms). Unused where loss is mapped."""

    above: float = 0
    below: float = 1000
    empty: bool = False  # whether a row without any latency is lost, too


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Text:
    """How a CSV file is written; without a delimiter, the header tells."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Mapping:
    """What a file's columns mean. A field that is not named is taken from a column of its name."""

    title: str = ""
    columns: dict[str, Column] = Field(default_factory=dict)
    times: Times = Times()
    lost: Lost = Lost()
    csv: Text = Text()


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ConfigError: it does not fit, or names a field, unit or zone that there is not.
    """
    mapping = load(path, Mapping)
    try:
        _check(mapping)
    except UsageError as error:
        raise ConfigError(error.what, where=str(path), hint=error.hint) from None
    return mapping


def with_words(mapping: Mapping, words: Iterable[str]) -> Mapping:
    """Return the mapping changed by words of the command line.

    `latency_ms=rtt` takes a column, `latency_ms=rtt us` gives its unit, `circuit_id==RTT-11119` is
    one value for all rows. Options are `delimiter==;`, `decimal==,`, `zone==Europe/Paris`,
    `times==%d.%m.%Y %H:%M`, `lost_above==0`, `lost_below==1000`, `repeated==same`.

    Raises:
        UsageError: a word is none of these.
    """
    for word in words:
        target, sign, value = word.partition("=")
        target = target.strip()
        if not sign or not target or not value.strip("="):
            raise UsageError(
                f"{word!r} maps nothing",
                where="--map",
                hint="Write field=column, or field==value for one value in all rows.",
            )
        if target in _OPTIONS:
            mapping = _with_option(mapping, target, value.removeprefix("="))
            continue
        field = _SHORT.get(target, target)
        mapping = replace(mapping, columns={**mapping.columns, field: _column(field, value)})
    _check(mapping)
    return mapping


def _column(field: str, value: str) -> Column:
    if value.startswith("="):
        return Column(constant=value[1:].strip())
    name, _, unit = value.strip().rpartition(" ")
    if name and unit in FACTORS.get(field, {}):
        return Column(column=name.strip(), unit=unit)
    return Column(column=value.strip())


def _with_option(mapping: Mapping, option: str, value: str) -> Mapping:
    try:
        if option == "delimiter":
            return replace(mapping, csv=replace(mapping.csv, delimiter=_delimiter(value)))
        if option == "decimal":
            return replace(mapping, csv=Text(delimiter=mapping.csv.delimiter, decimal=value))  # type: ignore[arg-type]
        if option == "zone":
            return replace(mapping, times=replace(mapping.times, zone=value))
        if option == "times":
            return replace(mapping, times=replace(mapping.times, formats=(value,)))
        if option == "repeated":
            return replace(mapping, times=replace(mapping.times, repeated=value))  # type: ignore[arg-type]
        bound = float(value)
    except ValueError:
        raise UsageError(
            f"{value!r} is no {option}", where="--map", hint="See `linksla replay --help`."
        ) from None
    if option == "lost_above":
        return replace(mapping, lost=replace(mapping.lost, above=bound))
    return replace(mapping, lost=replace(mapping.lost, below=bound))


def _delimiter(value: str) -> str:
    return "\t" if value in ("\\t", "tab") else value


def _check(mapping: Mapping) -> None:
    for field, column in mapping.columns.items():
        if field not in TARGETS:
            raise UsageError(
                f"there is no field {field!r} in a sample",
                where="mapping",
                hint=nearest(field, TARGETS),
            )
        if (column.column is None) == (column.constant is None):
            raise UsageError(
                f"{field} needs a column or a constant, one of them",
                where="mapping",
                hint=f"Write {field}=column or {field}==value.",
            )
        units = FACTORS.get(field, {})
        if column.unit is not None and column.unit not in units:
            known = ", ".join(units) or "none"
            raise UsageError(
                f"{field} has no unit {column.unit!r}", where="mapping", hint=f"Known: {known}."
            )
    try:
        ZoneInfo(mapping.times.zone)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"there is no time zone {mapping.times.zone!r}",
            where="mapping",
            hint="Write one such as UTC or Europe/London.",
        ) from None


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a hint that names the nearest of what there is."""
    lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), list(lower), n=1)
    if near:
        return f"Did you mean {lower[near[0]]!r}?"
    return f"There is: {', '.join(known)}."
