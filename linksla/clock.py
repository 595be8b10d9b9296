"""The one place that reads a clock.

Everything else takes a `Clock`, so that tests own the time and a month can be judged "as of" any
instant. Instants are integers: microseconds or seconds on the Unix epoch, UTC.
"""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Something that knows the time."""

    def now_us(self) -> int:
        """Return the present instant in microseconds on the Unix epoch."""
        ...

    def monotonic_seconds(self) -> float:
        """Return seconds that never go back, for measuring how long something took."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed; return whether it is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Return the wall clock in microseconds on the Unix epoch."""
        return time.time_ns() // 1_000

    def monotonic_seconds(self) -> float:
        """Return the monotonic clock in seconds."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed."""
        return event.wait(seconds)


class ManualClock:
    """A clock that stands still until it is moved: for tests and for runs "as of" an instant."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """Return the instant the clock was last moved to."""
        return self._now_us

    def monotonic_seconds(self) -> float:
        """Return the same instant in seconds."""
        return self._now_us / MICROSECONDS

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move on by `seconds` at once; return whether `event` is set."""
        self._now_us += int(seconds * MICROSECONDS)
        return event.is_set()

    def move_to(self, now_us: int) -> None:
        """Move to `now_us`, forwards or back."""
        self._now_us = now_us


def utc(seconds: int) -> datetime:
    """Return whole seconds on the Unix epoch as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: int) -> str:
    """Return whole seconds on the Unix epoch as ISO 8601 with Z: `2026-10-01T06:00:00Z`."""
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> int:
    """Return an ISO 8601 instant with an offset or Z as whole seconds on the Unix epoch.

    Raises:
        ValueError: no instant, or one without an offset: a local time is not an instant.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no offset; write Z for UTC"
        raise ValueError(message)
    return int(moment.timestamp())
