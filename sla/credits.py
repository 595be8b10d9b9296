"""Credits: what a schedule gives for what was delivered, exactly; rounded once, when printed.

Bands and their faults are in `sla.bands`, the schedules in `sla.schedules` (vectors/credits.json).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, assert_never

from sla.bands import Band, falling_band, percent, rising_band
from sla.schedules import (
    DownSecondsBands,
    ExceedanceBands,
    PercentBands,
    PerCumulativeHour,
    RestoreBands,
    Schedule,
)
from sla.words import duration, percent_down, plain

HOUR_SECONDS: Final = 3_600
_WHOLE_UNITS: Final = ("CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF")  # ISO 4217: no minor unit


@dataclass(frozen=True, slots=True)
class OutageSeconds:
    """An outage's down seconds: all of them, and those within the period."""

    total: int
    within: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a credit follows from, over one period under one contract version."""

    availability_percent: Fraction | None = None  # the best an open month can still reach
    down_seconds: int = 0
    outages: tuple[OutageSeconds, ...] = ()
    restore_seconds: tuple[int, ...] = ()  # of outages that start in the period (MEF 61.1)
    measured: Mapping[str | None, Fraction | None] = field(default_factory=dict)
    """By objective; None: +infinity. An objective that nothing was measured of is not in it."""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Credit:
    """Percent of the charge, exact, and why in words."""

    percent: Fraction
    reason: str


def earned(schedule: Schedule, delivered: Delivered) -> Credit:
    """Return what one schedule gives.

    In an open month it is what can no longer be lost: means and exceedances may still come back,
    so they give nothing before the month's end.
    """
    match schedule:
        case PercentBands():
            return _by_availability(schedule, delivered)
        case DownSecondsBands():
            band = rising_band(schedule.bands, Fraction(delivered.down_seconds))
            return _banded(band, f"{duration(delivered.down_seconds)} down", "s", delivered.is_open)
        case PerCumulativeHour():
            return _by_hour(schedule, delivered)
        case ExceedanceBands():
            return _by_exceedance(schedule, delivered)
        case RestoreBands():
            return _by_restoring(schedule, delivered)
        case _ as never:
            assert_never(never)


def _by_availability(schedule: PercentBands, delivered: Delivered) -> Credit:
    reached = delivered.availability_percent
    if reached is None:
        return Credit(Fraction(0), "No credit: nothing was measured.")
    bound, share = falling_band(schedule.bands, reached)
    said = f"availability {percent_down(reached / 100)} % lies in the band from {plain(bound)} %"
    if delivered.is_open:
        said = f"{plain(share)} % at least: with a perfect rest of the month {said}."
        return Credit(share, said)
    return Credit(share, f"{plain(share)} %: {said}.")


def _banded(band: Band, said: str, unit: str, is_open: bool) -> Credit:
    bound, share = band
    least = " at least" if is_open else ""
    return Credit(
        share, f"{percent(share)} %{least}: {said} lies in the band from {percent(bound)} {unit}."
    )


def _by_hour(schedule: PerCumulativeHour, delivered: Delivered) -> Credit:
    least = schedule.minimum_qualifying_outage_seconds
    seconds = sum(one.within for one in delivered.outages if one.total >= least)
    hours = seconds // HOUR_SECONDS
    share = min(hours * schedule.credit_per_hour_percent, schedule.cap_percent)
    which = f" in outages of {duration(least)} or more" if least else ""
    capped = f", at most {percent(schedule.cap_percent)} %" if share == schedule.cap_percent else ""
    return Credit(
        share,
        f"{percent(share)} %: {duration(seconds)} down{which}, {hours} completed hours at "
        f"{percent(schedule.credit_per_hour_percent)} % each{capped}.",
    )


def _by_exceedance(schedule: ExceedanceBands, delivered: Delivered) -> Credit:
    name = schedule.objective or "the objective"
    if schedule.objective not in delivered.measured:
        return Credit(Fraction(0), f"No credit: {name} was not measured.")
    value = delivered.measured[schedule.objective]
    above = None if value is None else (value - schedule.limit) / schedule.limit * 100
    if above is not None and above <= 0:
        return Credit(Fraction(0), f"No credit: {name} is within {plain(schedule.limit)}.")
    if delivered.is_open:
        return Credit(Fraction(0), f"No credit yet: {name} may still come back within its limit.")
    said = "infinitely far" if above is None else f"{percent(above)} %"
    return _banded(
        rising_band(schedule.bands, above),
        f"{name} exceeds {plain(schedule.limit)} by {said}, which",
        "%",
        False,
    )


def _by_restoring(schedule: RestoreBands, delivered: Delivered) -> Credit:
    durations = delivered.restore_seconds
    if not durations:
        return Credit(Fraction(0), "No credit: no outage began in the period.")
    if delivered.is_open:
        return Credit(Fraction(0), "No credit yet: the mean time to restore may still fall.")
    mean = Fraction(sum(durations), len(durations))
    said = f"the mean time to restore {percent(mean)} s of {len(durations)} outages"
    return _banded(rising_band(schedule.bands, mean), said, "s", False)


def money(amount: Fraction, currency: str) -> str:
    """Return an exact amount as it is printed: rounded once, half up, to the currency's unit."""
    places = 0 if currency in _WHOLE_UNITS else 2
    units = int(amount * 10**places + Fraction(1, 2))  # amounts are never negative
    if not places:
        return str(units)
    return f"{units // 10**places}.{units % 10**places:0{places}d}"
