"""Contracts as data: strict YAML, one file a contract version, every rule with its source."""

from dataclasses import dataclass as plain_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT
from linksla.inventory import Instant, Name


def _fraction(value: object) -> object:
    """Texts such as "99.99" and "100/30" are exact; a float never gets here (linksla.config)."""
    return Fraction(value) if isinstance(value, str | int) else value


Exact = Annotated[Fraction, BeforeValidator(_fraction)]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class AvailabilityTerms:
    """When a circuit is up, and how much of the month it must be (DESIGN 7.1 to 7.6)."""

    target_percent: Exact
    up_at_least: int = Field(ge=1)  # k of n channels
    consecutive: int = Field(ge=1)  # n cells (RFC 4805, MEF 10)
    loss_threshold: Exact = Fraction(1, 2)  # a step of the ladder; bad is above it
    denominator: Literal["measured", "whole_period"] = "measured"
    coverage_percent_min: Exact = Fraction(95)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PerformanceTerms:
    """One objective on latency or loss (DESIGN 7.7)."""

    name: Name
    metric: Literal["latency", "loss"]
    statistic: Literal["mean", "maximum", "p50", "p90", "p95", "p99", "p99.9"]
    limit: Exact  # ms for latency, ratio for loss
    channels: Literal["worst", "pooled"] = "worst"


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class MaintenanceTerms:
    """When a window may be taken out of the SLA (DESIGN 7.4)."""

    notice_hours: int = Field(default=0, ge=0)
    cap_hours_per_month: Exact | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PercentBands:
    """Credit by monthly availability: [inclusive lower bound in percent, credit percent]."""

    basis: Literal["availability_percent"]
    bands: tuple[tuple[Exact, Exact], ...]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Contract:
    """One version of a contract, valid from a month start until the next version."""

    id: Name
    version: int = Field(ge=1)
    title: Name
    source: str
    valid_from: Instant | None = None
    timezone: str
    anniversary_day: int = Field(default=1, ge=1, le=31)
    availability: AvailabilityTerms
    objectives: tuple[PerformanceTerms, ...] = ()
    maintenance: MaintenanceTerms = MaintenanceTerms()
    credit: PercentBands | None = None


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
    raise NotImplementedError
