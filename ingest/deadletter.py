"""What could not be used goes to `link.deadletter`, as it came, with the reason in its headers."""

import contextlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import kafka.errors
import sqlalchemy as sa
from kafka import KafkaProducer

from linksla import names
from linksla.clock import Clock
from linksla.decisions import DecisionsStore, deliveries
from linksla.errors import DeliveryError
from linksla.log_limits import limit_kafka
from linksla.sql import statement
from linksla.stores import TelemetryStore

log = logging.getLogger(__name__)

TARGET: Final = "deadletter"
_ROWS_MAX: Final = 500  # a round, rarely more than a few kB each
_ROUND_BYTES_MAX: Final = 32 * 1024 * 1024  # what is hostile may have 100 MB each
_INTERVAL_SECONDS: Final = 1.0
_ACK_SECONDS: Final = 30.0
_MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _DeadLetter:
    message_id: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class DeadLetterSender:
    """Sends rows of `rejects`, each at least once; `deliveries` remembers which are done."""

    def __init__(
        self,
        bootstrap: str,
        store: TelemetryStore,
        decisions: DecisionsStore,
        clock: Clock,
        *,
        topic: str = names.TOPIC_DEADLETTER,
        connect_timeout_ms: int = 10_000,
    ) -> None:
        self._bootstrap = bootstrap
        self._store = store
        self._decisions = decisions
        self._clock = clock
        self._topic = topic
        self._connect_timeout_ms = connect_timeout_ms
        self._producer: Any = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # Rows are appended, so everything up to here was delivered before; while the row there is
        # the same: old rejects are deleted, and a checkpoint may then number the others anew.
        self._after_row = -1
        self._last_seen: tuple[Any, ...] | None = None

    def start(self) -> None:
        """Send in a thread of its own, every second."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="deadletter", daemon=True)
        self._thread.start()

    def begin_stop(self) -> None:
        """Tell the thread to end; returns at once."""
        self._stopping.set()

    def stop(self, within_seconds: float = 5.0) -> None:
        """End the thread and disconnect; what was not sent is sent after the next start.

        A thread that waits for Kafka is left to itself: what it has sent is not recorded.
        """
        self.begin_stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(within_seconds)
            if thread.is_alive():
                return
        if self._producer is not None:
            with contextlib.suppress(kafka.errors.KafkaTimeoutError):
                self._producer.close(timeout=1)
            self._producer = None

    def send_once(self) -> int:
        """Send what is not delivered yet, up to 500; return how many were acknowledged.

        Raises:
            DeliveryError: Kafka did not take them; they are tried again by the next call.
        """
        last, letters = self._pending()
        sent = 0
        if letters:
            try:
                sent = self._send(letters)
            except kafka.errors.KafkaError as error:
                raise DeliveryError(
                    f"dead letters were not taken: {error}", where=self._bootstrap, retryable=True
                ) from None
        if last is not None:
            self._after_row, self._last_seen = int(last[0]), last[1:6]
        return sent

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sent = self.send_once()
            except DeliveryError as error:  # delivery failures never end the node (DESIGN 4)
                log.warning("%s", error)
                sent = 0
            if not sent:
                self._clock.wait(self._stopping, _INTERVAL_SECONDS)

    def _pending(self) -> tuple[tuple[Any, ...] | None, list[_DeadLetter]]:
        """Return the last row looked at, if there is one, and the letters not delivered yet."""
        with self._store.reader() as cursor:
            at = {"row": self._after_row}
            if cursor.execute(statement("ingest", "reject_at"), at).fetchone() != self._last_seen:
                self._after_row, self._last_seen = -1, None
            sizes = cursor.execute(
                statement("ingest", "reject_sizes_after"),
                {"after_row": self._after_row, "rows_max": _ROWS_MAX},
            ).fetchall()
            rows = cursor.execute(
                statement("ingest", "rejects_after"),
                {"after_row": self._after_row, "last_row": _last_of_round(sizes)},
            ).fetchall()
        if not rows:
            return None, []
        letters = [_letter(row) for row in rows]
        query = sa.select(deliveries.c.message_id).where(
            deliveries.c.target == TARGET,
            deliveries.c.message_id.in_([letter.message_id for letter in letters]),
            deliveries.c.status.in_(("delivered", "refused")),
        )
        with self._decisions.engine.begin() as connection:
            done = set(connection.execute(query).scalars())
        return rows[-1], [letter for letter in letters if letter.message_id not in done]

    def _send(self, letters: list[_DeadLetter]) -> int:
        if self._producer is None:
            limit_kafka()
            self._producer = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                # An idempotent producer fails all that waits together with one refused letter;
                # twice is allowed here, lost is not.
                enable_idempotence=False,
                max_request_size=_MESSAGE_BYTES_MAX,
                bootstrap_timeout_ms=self._connect_timeout_ms,
                reconnect_backoff_max_ms=1_000,
            )
        sent = [(letter, self._sent(letter)) for letter in letters]
        now_us = self._clock.now_us()
        outcomes = {}
        for letter, future in sent:
            error = _refusal(future)
            outcomes[letter.message_id] = {
                "message_id": letter.message_id,
                "target": TARGET,
                "status": "refused" if error else "delivered",
                "attempts": 1,
                "next_attempt_us": now_us,
                "last_error": error,
                "delivered_at_us": None if error else now_us,
            }
        with self._decisions.engine.begin() as connection:
            connection.execute(deliveries.insert(), list(outcomes.values()))
        return len(letters)

    def _sent(self, letter: _DeadLetter) -> Any:
        try:
            return self._producer.send(
                self._topic, key=letter.key, value=letter.value, headers=letter.headers
            )
        except kafka.errors.MessageSizeTooLargeError as error:
            return error


def _last_of_round(sizes: Sequence[tuple[int, int]]) -> int:
    """Return the last row of a round: as many as fit, and one at least; -1 when there is none."""
    last_row, total = -1, 0
    for row, size in sizes:
        total += size
        if last_row >= 0 and total > _ROUND_BYTES_MAX:
            break
        last_row = row
    return last_row


def _refusal(sent: Any) -> str:
    """Wait for the acknowledgement; return why Kafka will never take this letter, '' if it has.

    A letter that is too large with its headers would else hold up all that come after it.
    """
    try:
        if isinstance(sent, Exception):
            raise sent
        sent.get(timeout=_ACK_SECONDS)
    except (
        kafka.errors.MessageSizeTooLargeError,
        kafka.errors.RecordListTooLargeError,
    ) as error:
        log.warning("a dead letter is refused: %s", error)
        return str(error)
    return ""


def _letter(row: tuple[Any, ...]) -> _DeadLetter:
    _, topic, partition, offset, reason, index, detail, key, value = row
    headers = {
        names.HEADER_REASON: reason,
        names.HEADER_TOPIC: topic,
        names.HEADER_PARTITION: str(partition),
        names.HEADER_OFFSET: str(offset),
        names.HEADER_INDEX: index,
        names.HEADER_DETAIL: detail,
    }
    return _DeadLetter(
        message_id=f"{topic}:{partition}:{offset}:{reason}",
        key=key,
        value=value,
        headers=[(name, str(content).encode()) for name, content in headers.items()],
    )
