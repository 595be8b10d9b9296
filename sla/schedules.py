"""Credit schedules as contracts write them: five bases, refused at load when they make no sense.

Sources: AWS Interconnect SLA, 15 April 2026 (availability); Level 3 CrossRoads and CenturyLink HAN
(cumulative seconds); Cogent (per hour); PacketFabric (exceedance); MEF 61.1 (mean time to restore).
"""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT
from linksla.inventory import Currency, Name
from sla.bands import Band, bands_fault, ranges_fault, rising_fault
from sla.exact import Exact, NotNegative, Percentage, Positive, exact


def _bands(value: tuple[Band, ...]) -> tuple[Band, ...]:
    return _sound(value, bands_fault(value))


def _second_bands(value: tuple[Band, ...]) -> tuple[Band, ...]:
    if any(bound.denominator != 1 for bound, _ in value):
        message = "bounds are whole seconds"
        raise ValueError(message)
    return _sound(value, rising_fault(value, "s"))


def _exceedance_bands(value: tuple[Band, ...]) -> tuple[Band, ...]:
    return _sound(value, rising_fault(value, "% above the limit"))


def _sound(value: tuple[Band, ...], fault: str | None) -> tuple[Band, ...]:
    if fault:
        raise ValueError(fault)
    return value


_Bands = tuple[tuple[Exact, Exact], ...]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PercentBands:
    """Credit by monthly availability: [inclusive lower bound in percent, credit percent]."""

    basis: Literal["availability_percent"]
    bands: Annotated[_Bands, AfterValidator(_bands)]
    note: str = ""


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class DownSecondsBands:
    """Credit by the month's down time: [inclusive lower bound in whole seconds, credit percent]."""

    basis: Literal["cumulative_down_seconds"]
    bands: Annotated[_Bands, AfterValidator(_second_bands)]
    note: str = ""


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PerCumulativeHour:
    """So much for each completed hour of down time, summed over the outages that qualify."""

    basis: Literal["per_cumulative_hour"]
    credit_per_hour_percent: NotNegative
    hour: Literal["completed"] = "completed"
    cap_percent: Percentage = Fraction(100)
    minimum_qualifying_outage_seconds: int = Field(default=0, ge=0)
    note: str = ""


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ExceedanceBands:
    """Credit by how far an objective's value exceeds its limit: [percent above it, credit]."""

    basis: Literal["exceedance_percent"]
    objective: Name | None = None  # which objective's value; a contract must name it
    limit: Positive  # in the objective's unit
    bands: Annotated[_Bands, AfterValidator(_exceedance_bands)]
    note: str = ""


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class RestoreBands:
    """Credit by the mean time to restore of outages that start in the month: [seconds, credit]."""

    basis: Literal["mttr"]
    bands: Annotated[_Bands, AfterValidator(_second_bands)]
    note: str = ""


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class PayoutTerms:
    """When a credit becomes money."""

    currency: Currency | None = None  # None: that of the circuit's price
    minimum_amount: NotNegative = Fraction(0)  # issued only if the credit is greater
    cap_percent: Percentage = Fraction(100)  # of the month's charge, over all schedules
    claim_within_days: int | None = Field(default=None, ge=1)  # after the month's end


Schedule = PercentBands | DownSecondsBands | PerCumulativeHour | ExceedanceBands | RestoreBands
_Tagged = Annotated[Schedule, Field(discriminator="basis")]


def _schedules(value: object) -> object:
    """One schedule may stand without a list; ranges are refused with the reason, not a type."""
    if value is None:
        return ()
    many = list(value) if isinstance(value, list | tuple) else [value]
    for one in many:
        if isinstance(one, dict) and str(one.get("basis")).endswith("_ranges"):
            rows = one.get("ranges")
            if not isinstance(rows, list) or any(
                not isinstance(row, list) or len(row) != 3 for row in rows
            ):
                message = "ranges is a list of [from, to, credit]"
                raise ValueError(message)
            raise ValueError(ranges_fault([[exact(cell) for cell in row] for row in rows]))
    return many


Schedules = Annotated[
    tuple[_Tagged, ...],
    BeforeValidator(_schedules, json_schema_input_type=_Tagged | list[_Tagged] | None),
]
