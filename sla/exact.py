"""Exact numbers of contracts: texts such as 99.99 or 100/30 become fractions, never floats."""

import re
from fractions import Fraction
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_EXACT: Final = re.compile(r"-?\d{1,15}(\.\d{1,15}|/[1-9]\d{0,14})?")
_PATTERN: Final = r"^\d{1,15}(\.\d{1,15}|/[1-9]\d{0,14})?$"
_SCHEMA: Final = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": _PATTERN}]}


def _fraction(value: object) -> object:
    """Texts such as "99.99" and "100/30" are exact; `true` and the like are no numbers."""
    return value if isinstance(value, Fraction) else exact(value)


def exact(value: object) -> Fraction:
    """Return an int, or a text such as 99.99 or 100/30, as a fraction.

    Raises:
        ValueError: it is no exact number.
    """
    if isinstance(value, bool) or not _EXACT.fullmatch(str(value)):
        message = f"{value!r} is no exact number: write it as 99.99, 10 or 100/30"
        raise ValueError(message)
    return Fraction(str(value))


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


def _positive(value: Fraction) -> Fraction:
    if value > 0:
        return value
    message = "must be greater than 0"
    raise ValueError(message)


Exact = Annotated[Fraction, BeforeValidator(_fraction), WithJsonSchema(_SCHEMA)]
Percentage = Annotated[Exact, AfterValidator(_percentage)]
NotNegative = Annotated[Exact, AfterValidator(_not_negative)]
Positive = Annotated[Exact, AfterValidator(_positive)]
