"""Sends the outbox: at least once, in order for each target, and never in anybody's way.

Each target has a thread of its own, so that a dead one delays no other, and none of them delays
ingest. A failed delivery is recorded and tried again; it never ends the node.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Final

import sqlalchemy as sa

from alerts.messages import Message
from alerts.targets import TIMEOUT_SECONDS, Target
from linksla.clock import MICROSECONDS, Clock
from linksla.decisions import DecisionsStore, deliveries
from linksla.errors import DeliveryError
from linksla.meters import Meters
from linksla.sql import statement
from linksla.stores import TelemetryStore

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
PAGE_MESSAGES: Final = 200
RETRY_SECONDS_FIRST: Final = 1
RETRY_SECONDS_MAX: Final = 300
ATTEMPTS_MAX: Final = 300
"""With 300 s between the later ones this is about a day; then the message is given up, so that
one message nobody can take does not hold back all that follow it."""
NEW_TARGET_SECONDS: Final = 15 * 60
"""A target that never got anything is not sent what is older than this: adding a receiver must
not tell it a year's alarms."""


class Status(StrEnum):
    """How a delivery stands."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class _Delivery:
    status: Status
    attempts: int
    next_attempt_us: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: Message
    created_at_us: int


class Sender:
    """Moves messages from the outbox to the targets."""

    def __init__(
        self,
        store: TelemetryStore,
        decisions: DecisionsStore,
        targets: Sequence[Target],
        clock: Clock,
        meters: Meters,
    ) -> None:
        """Remember the parts; `start` or `send_once` begins."""
        self._store = store
        self._decisions = decisions
        self._targets = tuple(targets)
        self._clock = clock
        self._meters = meters
        self._done_up_to: dict[str, int] = {}  # target → sequence: nothing open at or before it
        self._not_before_us: dict[str, int] = {}  # target → what is older is not for it
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to send, one thread a target."""
        for target in self._targets:
            thread = threading.Thread(
                target=self._run, args=(target,), name=f"sender {target.name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def begin_stop(self) -> None:
        """Tell the threads to end after the attempt that is under way; returns at once."""
        self._stop.set()

    def stop(self, within_seconds: float = TIMEOUT_SECONDS + 5) -> None:
        """Stop after the attempt that is under way; what is not delivered is sent next time.

        An attempt that takes longer than `within_seconds` is left to itself, and made again.
        """
        self.begin_stop()
        end = self._clock.monotonic_seconds() + within_seconds
        for target, thread in zip_longest(self._targets, self._threads):
            if thread is not None:
                thread.join(max(end - self._clock.monotonic_seconds(), 0.0))
            if thread is None or not thread.is_alive():
                target.close()
        self._threads.clear()

    def send_once(self) -> int:
        """Try every message that is due, target by target; return how many were delivered."""
        return sum(self._send_to(target) for target in self._targets)

    def _run(self, target: Target) -> None:
        while not self._stop.is_set():
            try:
                self._send_to(target)
            except Exception as error:  # a store that is busy or full must not end the sender
                log.error("cannot send to %s: %s", target.name, type(error).__name__)  # noqa: TRY400 - a trace may quote bound secrets
            self._clock.wait(self._stop, POLL_SECONDS)

    def _send_to(self, target: Target) -> int:
        sent = 0
        while not self._stop.is_set():
            page = self._page(target)
            known = self._known(target, [item.message.id for item in page])
            for item in page:
                before = known.get(item.message.id)
                if before is None or before.status is Status.RETRYING:
                    after = self._attempt(target, item, before)
                    if after.status is Status.RETRYING:
                        return sent  # in order: what follows waits for it
                    sent += after.status is Status.DELIVERED
                self._done_up_to[target.name] = item.message.sequence
                if self._stop.is_set():
                    break
            if len(page) < PAGE_MESSAGES:
                break
        return sent

    def _attempt(self, target: Target, item: _Waiting, before: _Delivery | None) -> _Delivery:
        now_us = self._clock.now_us()
        if before is not None and before.next_attempt_us > now_us:
            return before
        if item.created_at_us < self._not_before(target):
            refused = _Delivery(Status.REFUSED, 0, now_us)
            return self._record(target, item, refused, "announced before this target was known")
        attempts = (before.attempts if before is not None else 0) + 1
        try:
            target.deliver(item.message)
        except DeliveryError as error:
            final = not error.retryable or attempts >= ATTEMPTS_MAX
            said = str(error)
        except Exception as error:  # a target's fault is its own; its text may hold a secret
            final = attempts >= ATTEMPTS_MAX
            said = f"{target.name}: failed unexpectedly ({type(error).__name__})"
        else:
            delivered = _Delivery(Status.DELIVERED, attempts, now_us)
            return self._record(target, item, delivered, "")
        wait_us = retry_after_us(item.message.id, target.name, attempts)
        status = Status.REFUSED if final else Status.RETRYING
        log.warning("message %s, attempt %d: %s", item.message.id[:12], attempts, said)
        return self._record(target, item, _Delivery(status, attempts, now_us + wait_us), said)

    def _record(self, target: Target, item: _Waiting, delivery: _Delivery, error: str) -> _Delivery:
        delivered_at_us = self._clock.now_us() if delivery.status is Status.DELIVERED else None
        values = {
            "status": delivery.status.value,
            "attempts": delivery.attempts,
            "next_attempt_us": delivery.next_attempt_us,
            "last_error": error,
            "delivered_at_us": delivered_at_us,
        }
        key = {"message_id": item.message.id, "target": target.name}
        same = (deliveries.c.message_id == item.message.id) & (deliveries.c.target == target.name)
        with self._decisions.engine.begin() as connection:
            changed = connection.execute(deliveries.update().where(same).values(**values))
            if changed.rowcount == 0:
                connection.execute(deliveries.insert().values(**key, **values))
        # A receiver's name may be a customer's: only its kind is a label.
        kind = target.name.partition(":")[0]
        self._meters.add("linksla_deliveries_total", target=kind, status=delivery.status.value)
        return delivery

    def _page(self, target: Target) -> list[_Waiting]:
        with self._store.reader() as cursor:
            rows = cursor.execute(
                statement("alerts", "outbox_after"),
                {"sequence": self._done_up_to.get(target.name, 0), "most": PAGE_MESSAGES},
            ).fetchall()
        return [
            _Waiting(Message(id_, sequence, subject, kind, body), created_at_us)
            for id_, sequence, subject, kind, created_at_us, body in rows
        ]

    def _known(self, target: Target, ids: Sequence[str]) -> dict[str, _Delivery]:
        if not ids:
            return {}
        asked = sa.select(deliveries).where(
            deliveries.c.target == target.name, deliveries.c.message_id.in_(ids)
        )
        with self._decisions.engine.connect() as connection:
            rows = connection.execute(asked).all()
        return {
            row.message_id: _Delivery(Status(row.status), row.attempts, row.next_attempt_us)
            for row in rows
        }

    def _not_before(self, target: Target) -> int:
        found = self._not_before_us.get(target.name)
        if found is None:
            asked = sa.select(sa.func.count()).where(deliveries.c.target == target.name)
            with self._decisions.engine.connect() as connection:
                is_new = connection.execute(asked).scalar_one() == 0
            now_us = self._clock.now_us()
            found = now_us - NEW_TARGET_SECONDS * MICROSECONDS if is_new else 0
            self._not_before_us[target.name] = found
        return found


def retry_after_us(message_id: str, target: str, attempts: int) -> int:
    """Return how long to wait after the n-th attempt: 1, 2, 4 … 300 s, each ± 25 %.

    The spread comes from a hash, so that many messages do not come back together and a test
    knows the instant.
    """
    seconds = min(RETRY_SECONDS_FIRST << min(attempts - 1, 16), RETRY_SECONDS_MAX)
    digest = hashlib.sha256(f"{message_id} {target} {attempts}".encode()).digest()
    permille = 750 + int.from_bytes(digest[:4], "big") % 501
    return seconds * permille * MICROSECONDS // 1000
