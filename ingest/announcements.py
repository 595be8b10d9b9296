"""Announcements of inventory and maintenance: two compacted topics, from the beginning, then live.

A record's instant is the broker's (LogAppendTime). Where a topic leaves it to the producer, it is
the instant we read the record: nobody proves an early notice with a clock of his own.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import kafka.errors
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from ingest import record_batches
from ingest.fetch_limit import ANSWER_BYTES_MAX
from ingest.topics import unreachable
from linksla.announcements import Announcement
from linksla.clock import Clock
from linksla.errors import StreamError
from linksla.log_limits import limit_kafka
from linksla.names import TOPIC_INVENTORY, TOPIC_MAINTENANCE

log = logging.getLogger(__name__)

_CATCH_UP_SECONDS: Final = 120.0
_POLL_MS: Final = 300
_LOG_APPEND_TIME: Final = 1


class AnnouncementReader:
    """Both topics of one cluster, without a group: the decisions store knows what was heard."""

    def __init__(
        self,
        bootstrap: str,
        clock: Clock,
        *,
        topics: Sequence[str] = (TOPIC_INVENTORY, TOPIC_MAINTENANCE),
    ) -> None:
        self._bootstrap = bootstrap
        self._clock = clock
        self._topics = tuple(topics)
        self._topic_ids: dict[str, str] = {}
        self._consumer: Any = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> list[Announcement]:
        """Connect and return everything the topics hold now, in order within a partition.

        Raises:
            StreamError: Kafka cannot be reached, or gives nothing for two minutes.
        """
        record_batches.install()
        self._stop.clear()
        try:
            tps = self._connect()
            ends = self._consumer.end_offsets(tps) if tps else {}
            found = self._read_to(ends)
        except kafka.errors.KafkaError as error:
            self.stop()
            raise unreachable(self._bootstrap, error) from None
        except BaseException:
            self.stop()
            raise
        return found

    def follow(self, hear: Callable[[Sequence[Announcement]], None]) -> None:
        """Hand on what follows, in a thread of its own; an empty hand-over comes every round."""
        self._thread = threading.Thread(
            target=self._follow, args=(hear,), name="announcements", daemon=True
        )
        self._thread.start()

    def begin_stop(self) -> None:
        """Tell the thread to end; returns at once."""
        self._stop.set()

    def stop(self, within_seconds: float = 5.0) -> None:
        """End the thread and disconnect; a thread that waits for Kafka is left to itself."""
        self.begin_stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(within_seconds)
            if thread.is_alive():  # it reads from the consumer, which is not to be closed then
                return
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _follow(self, hear: Callable[[Sequence[Announcement]], None]) -> None:
        while not self._stop.is_set():
            try:
                heard = self._poll()
            except kafka.errors.KafkaError as error:  # what was heard stays in force
                log.warning("announcements: kafka does not answer (%s)", type(error).__name__)
                self._clock.wait(self._stop, 1.0)
                heard = []
            hear(heard)

    def _connect(self) -> list[TopicPartition]:
        limit_kafka()
        admin = KafkaAdminClient(bootstrap_servers=self._bootstrap, bootstrap_timeout_ms=10_000)
        try:
            described = admin.describe_topics(list(self._topics))
        finally:
            admin.close()
        tps = []
        for topic in described:
            name = str(topic["name"])
            self._topic_ids[name] = str(topic["topic_id"])
            tps += [TopicPartition(name, int(p["partition_index"])) for p in topic["partitions"]]
        self._consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            receive_message_max_bytes=ANSWER_BYTES_MAX,
            reconnect_backoff_max_ms=1_000,
        )
        self._consumer.assign(tps)
        if tps:
            self._consumer.seek_to_beginning(*tps)
        return tps

    def _read_to(self, ends: Mapping[TopicPartition, int]) -> list[Announcement]:
        found: list[Announcement] = []
        deadline = self._clock.monotonic_seconds() + _CATCH_UP_SECONDS
        while any(self._consumer.position(tp) < end for tp, end in ends.items()):
            if self._clock.monotonic_seconds() > deadline:
                raise unreachable(self._bootstrap, TimeoutError())
            found += self._poll()
        return found

    def _poll(self) -> list[Announcement]:
        now_us = self._clock.now_us()
        polled = self._consumer.poll(timeout_ms=_POLL_MS)
        return [self._heard(record, now_us) for tp in sorted(polled) for record in polled[tp]]

    def _heard(self, record: Any, now_us: int) -> Announcement:
        broker_dated = record.timestamp_type == _LOG_APPEND_TIME
        return Announcement(
            topic=record.topic,
            topic_id=self._topic_ids.get(record.topic, ""),
            partition=record.partition,
            offset=record.offset,
            append_time_us=record.timestamp * 1_000 if broker_dated else now_us,
            key=None if record.key is None else bytes(record.key),
            value=None if record.value is None else bytes(record.value),
        )


def announce(bootstrap: str, topic: str, records: Sequence[tuple[str, bytes | None]]) -> None:
    """Send records, key and JSON (None withdraws), and wait until all replicas have them.

    Raises:
        StreamError: Kafka cannot be reached, or did not take one of them.
    """
    limit_kafka()
    try:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", bootstrap_timeout_ms=10_000
        )
    except kafka.errors.KafkaError as error:
        raise unreachable(bootstrap, error) from None
    try:
        sent = [producer.send(topic, key=key.encode(), value=value) for key, value in records]
        for future in sent:
            future.get(timeout=30)
    except kafka.errors.KafkaError as error:
        raise StreamError(
            f"an announcement was not taken: {error}", where=f"{bootstrap} {topic}", retryable=True
        ) from None
    finally:
        producer.close()
