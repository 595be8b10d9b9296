"""Credit schedules as data: exact rationals, refused when they have a hole or make no sense.

Source of the bands: AWS Interconnect SLA, 15 April 2026 (vectors/credits.json).
"""

import itertools
from collections.abc import Sequence
from fractions import Fraction

Band = tuple[Fraction, Fraction]
"""Inclusive lower bound in percent of availability, credit in percent of the charge."""


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


def credit_percent(bands: Sequence[Band], availability_percent: Fraction) -> Fraction:
    """Return the credit of the first band whose lower bound the availability reaches."""
    for bound, credit in bands:
        if availability_percent >= bound:
            return credit
    return bands[-1][1]


def percent(value: Fraction) -> str:
    """Return a percentage of a contract as it is written: exact where it ends, else five places."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 100_000
    units = round(scaled)  # Fraction rounds half to even, exactly
    text = f"{abs(units) // 100_000}.{abs(units) % 100_000:05d}".rstrip("0").rstrip(".")
    return f"-{text}" if units < 0 else text
