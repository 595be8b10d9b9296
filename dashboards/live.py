"""From the evaluator's thread to open pages: which circuits changed, as server-sent events."""

import asyncio
import threading
from collections.abc import Iterable

CHANGES_HELD_MAX = 10_000  # a page that reads slower than this is told to look at everything


class Subscription:
    """One open page: collects the circuits that changed until the page is ready to be told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._ready = asyncio.Event()
        self.closed = False

    def tell(self, circuit_ids: Iterable[str], *, close: bool = False) -> None:
        """Add changes, from any thread."""
        with self._lock:
            if len(self._changed) < CHANGES_HELD_MAX:
                self._changed.update(circuit_ids)
            self.closed = self.closed or close
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop has ended: nobody listens
            self.closed = True

    async def changes(self, timeout_seconds: float) -> frozenset[str]:
        """Wait for changes; empty when none came in time or the feed was closed."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout_seconds)
        except TimeoutError:
            return frozenset()
        self._ready.clear()
        with self._lock:
            changed, self._changed = frozenset(self._changed), set()
        return changed


class LiveFeed:
    """A thread-safe bridge: the evaluator publishes, each open page has a subscription."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._lock = threading.Lock()
        self._closed = False

    def publish(self, circuit_ids: Iterable[str]) -> None:
        """Say that circuits changed; returns at once, from any thread."""
        changed = frozenset(circuit_ids)
        for subscription in self._all():
            subscription.tell(changed)

    def subscribe(self) -> Subscription:
        """Start listening; call it in the event loop that will wait."""
        subscription = Subscription(asyncio.get_running_loop())
        with self._lock:
            self._subscriptions.add(subscription)
            subscription.closed = self._closed
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening."""
        with self._lock:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all subscriptions, so that the web server can stop."""
        with self._lock:
            self._closed = True
        for subscription in self._all():
            subscription.tell((), close=True)

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        with self._lock:
            return len(self._subscriptions)

    def _all(self) -> tuple[Subscription, ...]:
        with self._lock:
            return tuple(self._subscriptions)
