"""Samples from Kafka through librdkafka, where `linksla[librdkafka]` is installed.

Messages come through confluent-kafka; metadata, end offsets and the identity through kafka-python,
as in `KafkaSource`. librdkafka checks the checksums and unpacks in threads of its own, outside
Python's lock, but gives out one object a message. It unpacks a record batch whole: the limit of 64
MiB holds for what is queued, not for one batch.
"""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from ingest.kafka_source import Batches, KafkaSource
from ingest.poison import InFlight
from ingest.record_columns import Headers, RecordColumns
from ingest.writer_schemas import WriterSchemas
from linksla.clock import Clock
from linksla.errors import StreamError
from linksla.meters import Meters
from linksla.names import TOPIC_SAMPLES

if TYPE_CHECKING:
    from confluent_kafka import Message

_POLL_BYTES: Final = 16 * 1024 * 1024
_MESSAGES_MIN: Final = 100
_MESSAGES_MAX: Final = 200_000
_QUEUE_KIB: Final = 64 * 1024
_LOG_APPEND_TIME: Final = 2  # of confluent_kafka: TIMESTAMP_LOG_APPEND_TIME


class LibrdkafkaSource(KafkaSource):
    """`link.samples` of one cluster; `ingest.source.Source` says what each call means."""

    def __init__(
        self,
        bootstrap: str,
        *,
        clock: Clock,
        topic: str = TOPIC_SAMPLES,
        schemas: WriterSchemas | None = None,
        in_flight: InFlight | None = None,
        meters: Meters | None = None,
    ) -> None:
        super().__init__(
            bootstrap, clock=clock, topic=topic, schemas=schemas, in_flight=in_flight, meters=meters
        )
        self._reader: Any = None
        self._down = threading.Event()  # set by a thread of librdkafka's
        self._messages_max = _MESSAGES_MIN
        self._end_of: dict[int, int] = {}
        self._paused = False

    def start(self, offsets: Mapping[int, int], *, known: Mapping[str, str] | None = None) -> None:
        """Connect both clients, compare identity and offsets with what is there, and seek.

        Raises:
            StreamError: as `Source`; or confluent-kafka is not installed.
        """
        try:
            from confluent_kafka import Consumer, TopicPartition
        except ImportError:
            raise StreamError(
                "confluent-kafka is not installed",
                where="kafka.client: librdkafka",
                hint="Install linksla[librdkafka], or set kafka.client to kafka-python.",
            ) from None
        super().start(offsets, known=known)
        self._reader = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "linksla",  # asked for, and not used: `assign` joins no group
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_uncommitted",  # as the other client
                "check.crcs": True,
                "enable.partition.eof": True,  # tells what lies behind transaction markers
                "queued.max.messages.kbytes": _QUEUE_KIB,
                "fetch.max.bytes": _QUEUE_KIB * 1024,
                "receive.message.max.bytes": _QUEUE_KIB * 1024 + 1024 * 1024,
                "fetch.wait.max.ms": 200,
                "reconnect.backoff.max.ms": 1_000,
                "log_level": 3,
                "error_cb": lambda _: self._down.set(),
            }
        )
        self._reader.assign(
            [TopicPartition(self._topic, number, at) for number, at in self._next.items()]
        )

    def _fetched(self, timeout_seconds: float) -> Batches:
        from confluent_kafka import KafkaException

        try:
            # `consume` waits for as many as it was asked for: first wait for one, then take what
            # is there.
            found = self._reader.consume(1, timeout_seconds)
            if found:
                found += self._reader.consume(self._messages_max, 0)
        except KafkaException as error:
            self._away(error)
            return {}
        if self._down.is_set():
            self._down.clear()
            self._away(StreamError("librdkafka reports an error of the connection"))
        good = [message for message in found if message.error() is None]
        if len(good) < len(found):
            self._look_at([message for message in found if message.error() is not None])
        return self._columns(good) if good else {}

    def _look_at(self, events: "list[Message]") -> None:
        from confluent_kafka import KafkaError

        for event in events:
            error, partition = event.error(), event.partition()
            code = None if error is None else error.code()
            if code == KafkaError._PARTITION_EOF:
                # It comes behind all messages of the partition; markers before it are passed.
                self._end_of[partition or 0] = event.offset() or 0
            elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                number = -1 if partition is None else partition
                raise self._gap(number, self._next.get(number, -1), str(error))
            elif code in (KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION):
                raise self._damaged(Exception(str(error)))
            else:
                self._away(Exception(str(error)))

    def _columns(self, messages: "list[Message]") -> Batches:
        count = len(messages)
        partition = np.fromiter((m.partition() for m in messages), np.int64, count)
        offset = np.fromiter((m.offset() for m in messages), np.int64, count)
        stamps = np.array([m.timestamp() for m in messages], np.int64)
        values = [message.value() for message in messages]
        size = sum(len(value) for value in values if value is not None)
        wanted = _POLL_BYTES * count // max(size, 1)
        self._messages_max = min(max(wanted, _MESSAGES_MIN), _MESSAGES_MAX)
        batches: dict[int, list[RecordColumns]] = {}
        for number in np.unique(partition).tolist():
            places = np.flatnonzero(partition == number)
            mine = [messages[place] for place in places]
            headers: dict[int, Headers] = {
                n: cast(Headers, found) for n, m in enumerate(mine) if (found := m.headers())
            }
            batches[number] = [
                RecordColumns(
                    offset[places],
                    stamps[places, 1],
                    bool((stamps[places, 0] == _LOG_APPEND_TIME).all()),
                    [message.key() for message in mine],
                    [values[place] for place in places],
                    headers,
                    size * len(places) // count,
                )
            ]
        return batches

    def _position(self, tp: Any) -> int:
        return self._end_of.get(tp.partition, 0)

    def _take_back(self, partition: int, offset: int) -> None:
        from confluent_kafka import TopicPartition

        super()._take_back(partition, offset)
        self._end_of.pop(partition, None)
        self._reader.seek(TopicPartition(self._topic, partition, offset))
        self._reader.pause([TopicPartition(self._topic, partition)])

    def _go_on(self, partition: int) -> None:
        from confluent_kafka import TopicPartition

        super()._go_on(partition)
        self._reader.resume([TopicPartition(self._topic, partition)])

    def pause(self) -> None:
        """Stop fetching."""
        if not self._paused:  # each change makes librdkafka throw away what it has fetched
            self._paused = True
            super().pause()
            self._reader.pause(self._reader.assignment())

    def resume(self) -> None:
        """Fetch again."""
        if self._paused:
            self._paused = False
            super().resume()
            held = self._gate.held
            self._reader.resume(
                [place for place in self._reader.assignment() if place.partition not in held]
            )

    def close(self) -> None:
        """Disconnect both clients."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        super().close()
