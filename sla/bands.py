"""Bands of a credit schedule: what makes them unusable, and which one a value lies in. Pure.

A band is [inclusive bound, credit in percent]; each reaches to the next, so that there can be
neither hole nor overlap as long as the bounds go one way only.
"""

import itertools
from collections.abc import Sequence
from fractions import Fraction

Band = tuple[Fraction, Fraction]
"""Inclusive lower bound, credit in percent of the charge."""


def bands_fault(bands: Sequence[Band]) -> str | None:
    """Return why percent bands cannot be used, or None.

    Read from the best band down, each reaches up to the one before, so they can neither overlap
    nor leave a hole as long as the bounds fall and the last one is 0.
    """
    if not bands:
        return "there is no band"
    for (bound, credit), (lower, more) in itertools.pairwise(bands):
        if lower >= bound:
            return (
                f"band {percent(lower)} % does not lie below {percent(bound)} %: "
                "bands overlap or stand in the wrong order"
            )
        if more < credit:
            return (
                f"credit falls from {percent(credit)} to {percent(more)} % as service gets worse "
                f"(below {percent(bound)} %)"
            )
    if any(not 0 <= value <= 100 for band in bands for value in band):
        return "bounds and credits lie between 0 and 100 percent"
    if bands[-1][0] != 0:
        lowest = percent(bands[-1][0])
        return f"nothing is said below {lowest} %: the last band must start at 0 percent"
    return None


def rising_fault(bands: Sequence[Band], unit: str) -> str | None:
    """Return why bands that get worse upwards (seconds, percent above a limit) are unusable."""
    if not bands:
        return "there is no band"
    if bands[0][0] != 0:
        return (
            f"there is a hole: nothing is said below {percent(bands[0][0])} {unit}; the first band "
            "must start at 0"
        )
    if bands[0][1] != 0:
        return "the first band must give 0 percent: where nothing is wrong there is no credit"
    for (bound, credit), (upper, more) in itertools.pairwise(bands):
        if upper <= bound:
            return (
                f"band {percent(upper)} {unit} does not lie above {percent(bound)} {unit}: "
                "bands overlap or stand in the wrong order"
            )
        if more < credit:
            return (
                f"credit falls from {percent(credit)} to {percent(more)} % as service gets worse "
                f"(from {percent(upper)} {unit})"
            )
    if any(not 0 <= credit <= 100 for _, credit in bands):
        return "credits lie between 0 and 100 percent"
    return None


def ranges_fault(ranges: Sequence[Sequence[Fraction]]) -> str:
    """Return why a schedule of [from, to, credit] ranges is refused; it always is.

    Two ends that must meet to the last digit are how published tables get holes; bands cannot.
    """
    for (_, low, _), (high, _, _) in itertools.pairwise(ranges):
        if high > low:
            return f"ranges overlap between {percent(low)} and {percent(high)} %"
        if high < low:
            return f"there is a hole between {percent(high)} and {percent(low)} %"
    return "ranges with two ends cannot be told free of holes; write bands of [lower bound, credit]"


def falling_band(bands: Sequence[Band], value: Fraction) -> Band:
    """Return the first band whose lower bound the value reaches, from the best one down."""
    return next((band for band in bands if value >= band[0]), bands[-1])


def rising_band(bands: Sequence[Band], value: Fraction | None) -> Band:
    """Return the last band whose lower bound the value reaches; None is +infinity."""
    if value is None:
        return bands[-1]
    return next((band for band in reversed(bands) if value >= band[0]), bands[0])


def percent(value: Fraction) -> str:
    """Return a number of a contract as it is written: exact where it ends, else five places."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 100_000
    units = round(scaled)  # Fraction rounds half to even, exactly
    text = f"{abs(units) // 100_000}.{abs(units) % 100_000:05d}".rstrip("0").rstrip(".")
    return f"-{text}" if units < 0 else text
