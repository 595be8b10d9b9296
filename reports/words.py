"""How the printed page writes names and instants."""

from typing import Final
from zoneinfo import ZoneInfo

from linksla.clock import utc

Printed = dict[str, object]

_UNBROKEN_MAX: Final = 24
"""Longer words get invisible break points, so that no name leaves its cell."""


def breakable(text: str) -> str:
    """Return a text with zero-width spaces in words too long for a cell."""
    if all(len(word) <= _UNBROKEN_MAX for word in text.split(" ")):
        return text
    return " ".join(
        "\u200b".join(word[i : i + _UNBROKEN_MAX] for i in range(0, len(word), _UNBROKEN_MAX))
        for word in text.split(" ")
    )


def local_short(second: int, zone: ZoneInfo) -> str:
    """Return `9 Oct 03:11:00 MDT`."""
    moment = utc(second).astimezone(zone)
    return f"{moment.day} {moment:%b %H:%M:%S %Z}"
