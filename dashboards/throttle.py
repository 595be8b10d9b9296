"""How often somebody may guess a password: a sliding window of failures, in memory."""

import threading
from collections import OrderedDict
from typing import Final

from linksla.clock import MICROSECONDS, Clock

WINDOW_SECONDS: Final = 300
FAILURES_PER_USER_AND_ADDRESS: Final = 5
FAILURES_PER_ADDRESS: Final = 50  # an office behind one address forgets passwords too
FAILURES_PER_USER: Final = 100  # slows many addresses guessing at one user, hardly locks them out
_KEYS_MAX: Final = 20_000  # 20,000 keys of at most 100 instants: about 16 MB at worst

Key = tuple[str, str]


class Throttle:
    """Counts failures by user, by address and by both; safe in any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[Key, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_to_wait(self, user_id: str, address: str) -> int:
        """Return for how long another attempt is refused; 0: it may be made."""
        now = self._clock.now_us()
        waits = [0]
        with self._lock:
            for key, most in _limits(user_id, address):
                recent = self._recent(key, now)
                if len(recent) >= most:
                    free_at = recent[-most] + WINDOW_SECONDS * MICROSECONDS
                    waits.append(-(-(free_at - now) // MICROSECONDS))
        return max(waits)

    def failed(self, user_id: str, address: str) -> None:
        """Count an attempt as failed, until it is known to have succeeded."""
        now = self._clock.now_us()
        with self._lock:
            for key, most in _limits(user_id, address):
                self._failures[key] = [*self._recent(key, now), now][-most:]
                self._failures.move_to_end(key)
            while len(self._failures) > _KEYS_MAX:
                self._failures.popitem(last=False)

    def succeeded(self, user_id: str, address: str) -> None:
        """Forget the failures of this user from this address; take back the attempt elsewhere."""
        with self._lock:
            self._failures.pop((user_id, address), None)
            for key in ((user_id, ""), ("", address)):
                if self._failures.get(key):
                    self._failures[key].pop()

    def _recent(self, key: Key, now: int) -> list[int]:
        oldest = now - WINDOW_SECONDS * MICROSECONDS
        return [at for at in self._failures.get(key, ()) if at > oldest]


def _limits(user_id: str, address: str) -> tuple[tuple[Key, int], ...]:
    user = user_id[:200]
    return (
        ((user, address), FAILURES_PER_USER_AND_ADDRESS),
        (("", address), FAILURES_PER_ADDRESS),
        ((user, ""), FAILURES_PER_USER),
    )
