"""How numbers are written: percentages rounded towards breach, durations, counts."""

from fractions import Fraction
from functools import lru_cache
from typing import Final

_PLACES: Final = 100_000  # five places: one second of a month is 0.00004 %


def percent_down(ratio: Fraction) -> str:
    """Return a ratio as a percentage with five places, rounded down: `99.98879`."""
    units = ratio.numerator * 100 * _PLACES // ratio.denominator
    return f"{units // _PLACES}.{units % _PLACES:05d}"


def decimal_up(value: Fraction, places: int = 5) -> str:
    """Return a value with some places, rounded up: latency and loss get worse upwards."""
    scale = 10**places
    units = -(-value.numerator * scale // value.denominator)
    return f"{units // scale}.{units % scale:0{places}d}"


def decimal_down(value: Fraction, places: int = 5) -> str:
    """Return a value with some places, rounded down: throughput gets worse downwards."""
    scale = 10**places
    units = value.numerator * scale // value.denominator
    return f"{units // scale}.{units % scale:0{places}d}"


@lru_cache(1_024)
def plain(value: Fraction) -> str:
    """Return a contract's number as it was written: `8`, `0.001`, `99.99`."""
    if value.denominator == 1:
        return str(value.numerator)
    text = decimal_up(value, 15).rstrip("0")
    return text.rstrip(".")


def duration(seconds: int) -> str:
    """Return whole seconds as people say them: `5 min 0 s`, `2 d 3 h 0 min 10 s`."""
    parts: list[str] = []
    rest = seconds
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if rest >= size or parts:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join([*parts, f"{rest} s"])
