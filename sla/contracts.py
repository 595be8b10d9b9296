"""Contracts as data: strict YAML, one file a contract version, every rule with its source."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic.dataclasses import dataclass

from linksla.config import STRICT, load
from linksla.errors import ConfigError
from linksla.inventory import Instant, Name
from linksla.jitter import JitterKind
from linksla.model import LOSS_LADDER_PPM
from sla.calendar import month_at, month_bounds
from sla.exact import Exact, NotNegative, Percentage
from sla.maintenance import STILL_S
from sla.outage_terms import NAMES, OutageTerms
from sla.schedules import ExceedanceBands, PayoutTerms, Schedules

_MOMENT: Final = WithJsonSchema({"type": "string", "format": "date-time"})


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


def _statistic(value: str) -> str:
    matched = _PERCENTILE.fullmatch(value)
    if value in ("mean", "maximum") or (matched and 0 < Fraction(value[1:]) < 100):
        return value
    message = "a statistic is mean, maximum or a percentile between 0 and 100, such as p95 or p99.7"
    raise ValueError(message)


_PERCENTILE: Final = re.compile(r"p\d{1,2}(\.\d{1,4})?")
_STATISTIC: Final = {"type": "string", "pattern": rf"^(mean|maximum|{_PERCENTILE.pattern})$"}

Metric = Literal["latency", "jitter", "loss", "throughput_rx", "throughput_tx"]
Statistic = Annotated[str, AfterValidator(_statistic), WithJsonSchema(_STATISTIC)]


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
    """One objective on latency, jitter, loss or throughput (DESIGN 7.7)."""

    name: Name
    metric: Metric
    statistic: Statistic
    limit: NotNegative  # ms for latency and jitter, ratio for loss, Mbit/s for throughput
    channels: Literal["worst", "pooled"] = "worst"
    bound: Literal["at_most", "at_least"] | None = None  # None: throughput at least, others at most
    relative_to_bandwidth: bool = False  # of throughput: the limit is a share of the bandwidth
    jitter_kind: JitterKind | None = None  # which of the four is meant

    @property
    def at_least(self) -> bool:
        """Whether the value must not fall below the limit, instead of not exceeding it."""
        if self.bound is None:
            return self.metric.startswith("throughput")
        return self.bound == "at_least"

    @property
    def percentile(self) -> Fraction | None:
        """The percentile in percent, or None for mean and maximum."""
        is_one = self.statistic.startswith("p")
        return Fraction(self.statistic.removeprefix("p")) if is_one else None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class MaintenanceTerms:
    """When a window may be taken out of the SLA (DESIGN 7.4)."""

    notice_hours: int = Field(default=0, ge=0)
    cap_hours_per_month: NotNegative | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ExclusionTerms:
    """What leaves the contractual buckets besides maintenance, once two people have said so.

    False: such seconds stay down. Stop-clock conditions: MEF 124, ticket state `pending`.
    """

    customer: bool = False  # outages that the customer caused
    force_majeure: bool = False
    waiting_for_customer: bool = False  # while an outage's ticket waits for the customer


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Contract:
    """One version of a contract, valid until the next version (DESIGN 7.9)."""

    id: Name
    version: int = Field(ge=1)
    title: Name
    source: str
    valid_from: Annotated[Instant, _MOMENT] | None = None
    timezone: Annotated[str, AfterValidator(_zone)]
    anniversary_day: int = Field(default=1, ge=1, le=31)
    availability: AvailabilityTerms
    objectives: tuple[PerformanceTerms, ...] = ()
    maintenance: MaintenanceTerms = MaintenanceTerms()
    exclusions: ExclusionTerms = ExclusionTerms()
    outages: OutageTerms = OutageTerms()
    credit: Schedules = ()
    payout: PayoutTerms = PayoutTerms()


@plain_dataclass(frozen=True, slots=True)
class ContractInForce:
    """A contract version and the seconds it rules."""

    contract: Contract
    start_s: int
    end_s: int


def versions_in_force(
    contracts: Mapping[str, tuple[Contract, ...]],
    name: str,
    active_from: int,
    active_to: int | None,
) -> tuple[ContractInForce, ...]:
    """Return the versions of a contract in [active_from, active_to), oldest first.

    The last one is open: it ends with the circuit, or far ahead.
    """
    versions = contracts[name]
    end_s = STILL_S if active_to is None else active_to
    found = []
    for number, contract in enumerate(versions):
        starts = active_from if number == 0 else contract.valid_from or 0
        ends = versions[number + 1].valid_from or 0 if number + 1 < len(versions) else STILL_S
        lower, upper = max(starts, active_from), min(ends, end_s)
        if lower < upper:
            found.append(ContractInForce(contract, lower, upper))
    return tuple(found)


def distributions_asked(contracts: Mapping[str, Sequence[Contract]]) -> dict[str, frozenset[str]]:
    """Return of which metrics each contract, in any version, asks a percentile."""
    return {
        name: frozenset(
            objective.metric
            for version in versions
            for objective in version.objectives
            if objective.percentile is not None
        )
        for name, versions in contracts.items()
    }


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
    found = load_versions(sorted(folder.glob("*.yaml")))
    if not found:
        raise ConfigError(
            "holds no contract",
            where=str(folder),
            hint="Put one *.yaml per contract version in it.",
        )
    return found


def load_versions(paths: Sequence[Path]) -> dict[str, tuple[Contract, ...]]:
    """Read contract files; versions of one id in order of validity.

    Raises:
        ConfigError: as load_contracts.
    """
    found: dict[str, list[tuple[Contract, Path]]] = {}
    for path in paths:
        contract = load(path, Contract)
        _check(contract, path)
        found.setdefault(contract.id, []).append((contract, path))
    return {name: _ordered(versions) for name, versions in sorted(found.items())}


def one_contract(*paths: Path) -> tuple[Contract, ...]:
    """Read the versions of one contract.

    Raises:
        ConfigError: as load_contracts, or the files hold several contracts.
    """
    contracts = load_versions(paths)
    if len(contracts) != 1:
        raise ConfigError(
            f"{len(contracts)} contracts where one is asked for",
            where=", ".join(map(str, paths)),
            hint="Name versions of one contract.",
        )
    (versions,) = contracts.values()
    return versions


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
    names = ["availability", *NAMES, *(objective.name for objective in contract.objectives)]
    if len(set(names)) < len(names):
        raise ConfigError(
            "two objectives have one name",
            where=_line(path, "objectives"),
            hint=f"Rename one; these have their meaning: availability, {', '.join(NAMES)}.",
        )
    for objective in contract.objectives:
        _check_performance(objective, path)
    limits = {objective.name: objective.limit for objective in contract.objectives}
    for schedule in contract.credit:
        if not isinstance(schedule, ExceedanceBands):
            continue
        if schedule.objective not in limits:
            raise ConfigError(
                "a credit by exceedance must name an objective of the contract"
                + (f", and {schedule.objective!r} is none" if schedule.objective else ""),
                where=_line(path, "credit"),
                hint=f"Add `objective:` with one of: {', '.join(limits) or 'none is there'}.",
            )
        if any(one.name == schedule.objective and one.at_least for one in contract.objectives):
            raise ConfigError(
                f"{schedule.objective!r} must not fall below its limit: nothing exceeds it",
                where=_line(path, "credit"),
                hint="Credit by exceedance is for objectives with a greatest allowed value.",
            )
        if limits[schedule.objective] != schedule.limit:
            raise ConfigError(
                f"the credit's limit of {schedule.objective!r} is not the objective's limit",
                where=_line(path, "credit"),
                hint="Write the same number in both places.",
            )


def _check_performance(objective: PerformanceTerms, path: Path) -> None:
    """Refuse what a metric has not: each of these keys means something for one metric only."""
    throughput = objective.metric.startswith("throughput")
    for key, stands, metric in (
        ("relative_to_bandwidth", objective.relative_to_bandwidth and not throughput, "throughput"),
        ("bound", objective.at_least and not throughput, "throughput"),
        ("jitter_kind", objective.jitter_kind and objective.metric != "jitter", "jitter"),
    ):
        if stands:
            raise ConfigError(
                f"objective {objective.name!r}: {key} is for {metric}, not for {objective.metric}",
                where=_line(path, key),
                hint="Take the key out.",
            )


def _ordered(versions: list[tuple[Contract, Path]]) -> tuple[Contract, ...]:
    """Return versions by number; each later one must start later, and change what it may."""
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
        _check_change(earlier, later, later.valid_from, path)
    return tuple(contract for contract, _ in ordered)


def _check_change(earlier: Contract, later: Contract, starts: int, path: Path) -> None:
    """Refuse a change inside a contract month of what only a month start may change (DESIGN 7.9).

    How seconds are judged (k, n, threshold, denominator, maintenance) and where a month begins are
    one thing for a whole month; targets, objectives, credit and payout may change at any instant.
    """
    zone, day = later.timezone, later.anniversary_day
    if month_bounds(month_at(starts, zone, day), zone, day)[0] == starts:
        return
    before, after = _fixed(earlier), _fixed(later)
    for key, value in after.items():
        if value != before[key]:
            raise ConfigError(
                f"version {later.version} of contract {later.id!r} changes {key} inside a month: "
                "valid_from is not the start of a contract month",
                where=_line(path, key),
                hint=f"Let it start at local midnight of day {day} in {zone}, or leave {key} as "
                f"it was in version {earlier.version}.",
            )


def _fixed(contract: Contract) -> dict[str, object]:
    terms = contract.availability
    return {
        "up_at_least": terms.up_at_least,
        "consecutive": terms.consecutive,
        "loss_threshold": terms.loss_threshold,
        "denominator": terms.denominator,
        "timezone": contract.timezone,
        "anniversary_day": contract.anniversary_day,
        "maintenance": contract.maintenance,
        "exclusions": contract.exclusions,
    }
