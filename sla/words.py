"""How numbers are written: percentages rounded towards breach, durations; why a month is open."""

from fractions import Fraction
from functools import lru_cache
from typing import Final

_PLACES: Final = 100_000  # five places: one second of a month is 0.00004 %


def percent_down(ratio: Fraction) -> str:
    """Return a ratio as a percentage with five places, rounded down: `99.98879`."""
    part, whole = ratio.as_integer_ratio()
    units = part * 100 * _PLACES // whole
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


def plain(value: Fraction) -> str:
    """Return a contract's number as it was written: `8`, `0.001`, `99.99`."""
    return _plain(*value.as_integer_ratio())  # to hash a Fraction takes 1 µs


@lru_cache(1_024)
def _plain(numerator: int, denominator: int) -> str:
    if denominator == 1:
        return str(numerator)
    text = decimal_up(Fraction(numerator, denominator), 15).rstrip("0")
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


def why_open(*, is_over: bool, proposals: int) -> str:
    """Return why a month is not final: `2 proposals await a decision`."""
    awaited = {0: "", 1: "1 proposal awaits a decision"}.get(
        proposals, f"{proposals} proposals await a decision"
    )
    if not is_over:
        return f"it is not over{', and ' * bool(awaited)}{awaited}"
    return awaited or "later samples may still change it"
