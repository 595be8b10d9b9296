"""How much one fetch asks for: less when answers do not come in time, so that they do.

A fetch of 8 × 4 MiB over a line of 60 kB/s takes 9 minutes; its time limit is 10 s. Asked for
again and again at that size, a backlog behind a slow broker is never read.
"""

from collections.abc import MutableMapping
from typing import Any, Final

ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
"""The largest answer that is taken. A broker sends a record batch whole, however little was asked
for, and takes requests of 100 MiB unless told otherwise. kafka-python refuses answers of 100 MB by
itself and asks for the same one for ever: one large message stopped the node."""

_BYTES_MIN: Final = 16 * 1024
_SHRINK: Final = 8
_GROW: Final = 2
_SETTING: Final = "max_partition_fetch_bytes"


class FetchLimit:
    """Bytes a fetch asks of each partition: an eighth after each wait in vain, up to `bytes_max`.

    An idle stream or one that is away looks the same, and costs nothing: each answer doubles it.
    """

    def __init__(self, bytes_max: int, wait_seconds_max: float) -> None:
        """Remember the limits; `wait_seconds_max` is when a fetch is given up."""
        self._bytes_max = bytes_max
        self._wait_seconds_max = wait_seconds_max
        self._waiting_since_seconds: float | None = None

    def adapt(
        self, settings: MutableMapping[str, Any], now_seconds: float, *, arrived: bool
    ) -> None:
        """Set the fetcher's limit after a poll, by whether anything arrived in it."""
        if arrived:
            self._waiting_since_seconds = None
            settings[_SETTING] = min(settings[_SETTING] * _GROW, self._bytes_max)
        elif self._waiting_since_seconds is None:
            self._waiting_since_seconds = now_seconds
        elif now_seconds - self._waiting_since_seconds >= self._wait_seconds_max:
            self._waiting_since_seconds = now_seconds
            settings[_SETTING] = max(settings[_SETTING] // _SHRINK, _BYTES_MIN)
