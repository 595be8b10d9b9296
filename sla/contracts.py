"""Contracts as data: strict YAML, one file a contract version, every rule with its source."""

import itertools
import re
from dataclasses import dataclass as plain_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT, load
from linksla.errors import ConfigError
from linksla.inventory import Instant, Name
from linksla.model import LOSS_LADDER_PPM
from sla.calendar import month_at, month_bounds
from sla.credits import bands_fault, ranges_fault

_EXACT: Final = re.compile(r"-?\d{1,15}(\.\d{1,15}|/[1-9]\d{0,14})?")


def _fraction(value: object) -> object:
    """Texts such as "99.99" and "100/30" are exact; a float never gets here (linksla.config)."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    if not _EXACT.fullmatch(str(value)):
        message = f"{value!r} is no exact number: write it as 99.99, 10 or 100/30"
        raise ValueError(message)
    return Fraction(value)


def _percentage(value: Fraction) -> Fraction:
    if 0 <= value <= 100:
        return value
    message = "a percentage lies between 0 and 100"
    raise ValueError(message)


def _not_negative(value: Fraction) -> Fraction:
    if value >= 0:
        return value
    message = "must not be negative"
    raise ValueError(message)


def _ladder_step(value: Fraction) -> Fraction:
    if value * 1_000_000 in LOSS_LADDER_PPM:
        return value
    steps = ", ".join(str(step / 1_000_000) for step in LOSS_LADDER_PPM)
    message = f"a loss threshold is a step of the ladder: {steps}"
    raise ValueError(message)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # ZoneInfo raises each of them for some bad name
        message = f"there is no time zone {value!r}: write one such as America/Denver or UTC"
        raise ValueError(message) from None
    return value


def _bands(value: tuple[tuple[Fraction, Fraction], ...]) -> tuple[tuple[Fraction, Fraction], ...]:
    fault = bands_fault(value)
    if fault:
        raise ValueError(fault)
    return value


def _schedule(value: object) -> object:
    """Refuse the one basis that cannot be made safe, with the reason rather than a type error."""
    if isinstance(value, dict) and value.get("basis") == "availability_percent_ranges":
        rows = value.get("ranges")
        if not isinstance(rows, list) or any(
            not isinstance(row, list) or len(row) != 3 for row in rows
        ):
            message = "ranges is a list of [from, to, credit]"
            raise ValueError(message)
        exact = [[Fraction(_fraction_text(cell)) for cell in row] for row in rows]
        raise ValueError(ranges_fault(exact))
    return value


def _fraction_text(cell: object) -> Fraction:
    value = _fraction(cell)
    if not isinstance(value, Fraction):
        message = f"{cell!r} is no exact number"
        raise ValueError(message)  # noqa: TRY004 - pydantic turns only ValueError into file:line
    return value


Exact = Annotated[Fraction, BeforeValidator(_fraction)]
Percentage = Annotated[Fraction, BeforeValidator(_fraction), AfterValidator(_percentage)]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class AvailabilityTerms:
    """When a circuit is up, and how much of the month it must be (DESIGN 7.1 to 7.6)."""

    target_percent: Percentage
    up_at_least: int = Field(ge=1)  # k of n channels
    consecutive: int = Field(ge=1)  # n cells (RFC 4805, MEF 10)
    loss_threshold: Annotated[Exact, AfterValidator(_ladder_step)] = Fraction(
        1, 2
    )  # a step of the ladder; bad is above it
    denominator: Literal["measured", "whole_period"] = "measured"
    coverage_percent_min: Percentage = Fraction(95)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PerformanceTerms:
    """One objective on latency or loss (DESIGN 7.7)."""

    name: Name
    metric: Literal["latency", "loss"]
    statistic: Literal["mean", "maximum", "p50", "p90", "p95", "p99", "p99.9"]
    limit: Annotated[Exact, AfterValidator(_not_negative)]  # ms for latency, ratio for loss
    channels: Literal["worst", "pooled"] = "worst"


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class MaintenanceTerms:
    """When a window may be taken out of the SLA (DESIGN 7.4)."""

    notice_hours: int = Field(default=0, ge=0)
    cap_hours_per_month: Annotated[Exact, AfterValidator(_not_negative)] | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PercentBands:
    """Credit by monthly availability: [inclusive lower bound in percent, credit percent]."""

    basis: Literal["availability_percent"]
    bands: Annotated[tuple[tuple[Exact, Exact], ...], AfterValidator(_bands)]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Contract:
    """One version of a contract, valid from a month start until the next version."""

    id: Name
    version: int = Field(ge=1)
    title: Name
    source: str
    valid_from: Instant | None = None
    timezone: Annotated[str, AfterValidator(_zone)]
    anniversary_day: int = Field(default=1, ge=1, le=31)
    availability: AvailabilityTerms
    objectives: tuple[PerformanceTerms, ...] = ()
    maintenance: MaintenanceTerms = MaintenanceTerms()
    credit: Annotated[PercentBands | None, BeforeValidator(_schedule)] = None


@plain_dataclass(frozen=True, slots=True)
class ContractInForce:
    """A contract version and the seconds it rules."""

    contract: Contract
    start_s: int
    end_s: int


def load_contracts(folder: Path) -> dict[str, tuple[Contract, ...]]:
    """Read all `*.yaml` of a folder; versions of one id in order of validity.

    Raises:
        ConfigError: a file does not fit, a schedule has a hole, an overlap or a falling credit,
            a loss threshold is no step of the ladder, or k, n or zone change inside a month.
    """
    if not folder.is_dir():
        raise ConfigError(
            "is not a folder", where=str(folder), hint="Put one *.yaml per contract version in it."
        )
    found: dict[str, list[tuple[Contract, Path]]] = {}
    for path in sorted(folder.glob("*.yaml")):
        contract = load(path, Contract)
        _check(contract, path)
        found.setdefault(contract.id, []).append((contract, path))
    if not found:
        raise ConfigError(
            "holds no contract",
            where=str(folder),
            hint="Put one *.yaml per contract version in it.",
        )
    return {name: _ordered(versions) for name, versions in sorted(found.items())}


def contract_at(versions: tuple[Contract, ...], second: int) -> Contract:
    """Return the version in force at an instant; the first one rules all time before it."""
    valid = [v for v in versions if v.valid_from is None or v.valid_from <= second]
    return valid[-1] if valid else versions[0]


def _line(path: Path, key: str) -> str:
    """Return `file:line` of the first line that sets a key."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.search(rf"(^|[\s{{,]){re.escape(key)}\s*:", line):
            return f"{path}:{number}"
    return f"{path}:1"


def _check(contract: Contract, path: Path) -> None:
    """Check what no single key can tell: what two of them mean together."""
    zone, day = contract.timezone, contract.anniversary_day
    starts = contract.valid_from
    if starts is not None and month_bounds(month_at(starts, zone, day), zone, day)[0] != starts:
        raise ConfigError(
            "valid_from is not the start of a contract month, so k, n or zone would change inside "
            "one",
            where=_line(path, "valid_from"),
            hint=f"Use local midnight of day {day} in {zone}.",
        )
    names = ["availability", *(objective.name for objective in contract.objectives)]
    if len(set(names)) < len(names):
        raise ConfigError(
            "two objectives have one name", where=_line(path, "objectives"), hint="Rename one."
        )
    for objective in contract.objectives:
        if objective.metric == "loss" and objective.statistic not in ("mean", "maximum"):
            raise ConfigError(
                f"objective {objective.name!r}: loss has mean and maximum only",
                where=_line(path, "objectives"),
                hint="Loss is kept as exact sums, not as a distribution; use mean.",
            )


def _ordered(versions: list[tuple[Contract, Path]]) -> tuple[Contract, ...]:
    """Return versions by number; each later one must start later."""
    ordered = sorted(versions, key=lambda item: item[0].version)
    for (earlier, _), (later, path) in itertools.pairwise(ordered):
        if later.version == earlier.version:
            raise ConfigError(
                f"version {later.version} of contract {later.id!r} stands twice",
                where=_line(path, "version"),
                hint="Number each version once.",
            )
        if later.valid_from is None or later.valid_from <= (
            earlier.valid_from or later.valid_from - 1
        ):
            raise ConfigError(
                f"version {later.version} of contract {later.id!r} does not start after version "
                f"{earlier.version}",
                where=_line(path, "valid_from" if later.valid_from is not None else "version"),
                hint="Give it a later valid_from.",
            )
    return tuple(contract for contract, _ in ordered)
