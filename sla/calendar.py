"""Contract months in local time: where one starts, and in which one an instant lies.

A month starts at local midnight of its anniversary day, or of the month's last day where the month
is shorter (vectors/calendars.json). Instants are whole seconds on the Unix epoch.
"""

import re
from calendar import monthrange
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_YEARS: Final = range(1900, 9999)
_SKIP_SECONDS_MAX: Final = 2 * 86_400  # zones have skipped a whole day (Samoa, 2011-12-30)


@lru_cache(maxsize=4096)
def month_bounds(month: str, timezone: str, anniversary_day: int = 1) -> tuple[int, int]:
    """Return [start, end) of a contract month `YYYY-MM`.

    Raises:
        ValueError: `month` is not of that form.
        zoneinfo.ZoneInfoNotFoundError: there is no such time zone.
    """
    year, number = _parsed(month)
    following = (year + number // 12, number % 12 + 1)
    zone = ZoneInfo(timezone)
    return _start(year, number, zone, anniversary_day), _start(*following, zone, anniversary_day)


@lru_cache(maxsize=4096)
def month_at(second: int, timezone: str, anniversary_day: int = 1) -> str:
    """Return the contract month `YYYY-MM` in which an instant lies."""
    local = datetime.fromtimestamp(second, ZoneInfo(timezone))
    month = f"{local.year:04d}-{local.month:02d}"
    start, end = month_bounds(month, timezone, anniversary_day)
    if second < start:
        return _shifted(month, -1)
    return month if second < end else _shifted(month, 1)


def months_between(
    start_s: int, end_s: int, timezone: str, anniversary_day: int = 1
) -> tuple[str, ...]:
    """Return all contract months that have a second in [start_s, end_s), oldest first."""
    if end_s <= start_s:
        return ()
    months = [month_at(start_s, timezone, anniversary_day)]
    while month_bounds(months[-1], timezone, anniversary_day)[1] < end_s:
        months.append(_shifted(months[-1], 1))
    return tuple(months)


def is_month(text: str) -> bool:
    """Return whether a text is a month `YYYY-MM` that can be judged."""
    found = _MONTH.fullmatch(text)
    return found is not None and int(found[1]) in _YEARS


def month_name(month: str) -> str:
    """Return a month as people write it: `October 2026`."""
    names = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    )  # fmt: skip
    year, number = _parsed(month)
    return f"{names[number - 1]} {year}"


def _parsed(month: str) -> tuple[int, int]:
    if not is_month(month):
        message = f"{month!r} is not a month: write YYYY-MM"
        raise ValueError(message)
    return int(month[:4]), int(month[5:])


@lru_cache(maxsize=4096)
def _shifted(month: str, by: int) -> str:
    year, number = _parsed(month)
    total = year * 12 + number - 1 + by
    return f"{total // 12:04d}-{total % 12 + 1:02d}"


def _start(year: int, month: int, zone: ZoneInfo, anniversary_day: int) -> int:
    """Return the first instant whose local time is midnight of the day, or later.

    A midnight that comes twice counts the first time. One that the zone skips (clocks go forward
    at midnight) is the instant of the skip.
    """
    day = min(anniversary_day, monthrange(year, month)[1])
    midnight = datetime(year, month, day, tzinfo=zone)
    instant = int(midnight.timestamp())
    if _local(instant, zone) == midnight.replace(tzinfo=None):
        return instant
    before, after = instant - _SKIP_SECONDS_MAX, instant + _SKIP_SECONDS_MAX
    while after - before > 1:
        middle = (before + after) // 2
        if _local(middle, zone) >= midnight.replace(tzinfo=None):
            after = middle
        else:
            before = middle
    return after


def _local(instant: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant, UTC).astimezone(zone).replace(tzinfo=None)
