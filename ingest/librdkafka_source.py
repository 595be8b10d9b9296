"""Samples from Kafka through librdkafka, where `linksla[librdkafka]` is installed.

Messages come through confluent-kafka; metadata, end offsets and the identity through kafka-python,
as in `KafkaSource`. librdkafka checks the checksums and unpacks in threads of its own, outside
Python's lock, but gives out one object a message. It unpacks a record batch whole: the limit of 64
MiB holds for what is queued, not for one batch.
"""

import operator
import threading
from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from ingest.fetch_limit import ANSWER_BYTES_MAX
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
_MESSAGES: Final = 1_000
"""Asked for at once: 670,000 messages/s come in thousands, 190,000 in hundreds of thousands, whose
objects no cache holds."""
_QUEUED_MESSAGES: Final = 1_000_000  # librdkafka's 100,000 run dry between two polls
_QUEUE_KIB: Final = 64 * 1024
_FULL_MS: Final = 10
_LOG_APPEND_TIME: Final = 2  # of confluent_kafka: TIMESTAMP_LOG_APPEND_TIME


class _Taken:
    """Messages column by column; the objects they came in are gone at once."""

    def __init__(self) -> None:
        self.partition: list[int] = []
        self.offset: list[int] = []
        self.stamp: list[tuple[int, int]] = []
        self.key: list[bytes | None] = []
        self.value: list[bytes | None] = []
        self.headers: list[object] = []
        self.bytes = 0

    def take(self, messages: "list[Message]") -> None:
        # `map` over unbound methods: a third of the time of a comprehension, 0.04 µs a call.
        from confluent_kafka import Message

        values = list(map(Message.value, messages))
        self.value += values
        self.bytes += sum(map(len, filter(None, values)))
        self.partition += map(Message.partition, messages)  # type: ignore[arg-type]
        self.offset += map(Message.offset, messages)  # type: ignore[arg-type]
        self.stamp += map(Message.timestamp, messages)
        self.key += map(Message.key, messages)
        self.headers += map(Message.headers, messages)

    def missing(self) -> int:
        """Return how many messages to ask for: about what is missing, as large as those so far."""
        each = max(self.bytes // len(self.offset), 1)
        return min(max((_POLL_BYTES - self.bytes) // each, 1), _MESSAGES)

    def batches(self) -> Batches:
        count = len(self.offset)
        partition = np.fromiter(self.partition, np.int64, count)
        offset = np.fromiter(self.offset, np.int64, count)
        # An array of 200,000 pairs takes three times as long as one of the numbers in a row.
        flat = np.fromiter(chain.from_iterable(self.stamp), np.int64, 2 * count)
        stamps = flat.reshape(count, 2)
        batches: dict[int, list[RecordColumns]] = {}
        for number in np.unique(partition).tolist():
            places = np.flatnonzero(partition == number)
            taken = operator.itemgetter(*places.tolist(), places[0])  # one more: always a tuple
            headers = enumerate(taken(self.headers)[:-1])
            batches[number] = [
                RecordColumns(
                    offset[places],
                    stamps[places, 1],
                    bool((stamps[places, 0] == _LOG_APPEND_TIME).all()),
                    list(taken(self.key)[:-1]),
                    list(taken(self.value)[:-1]),
                    {n: cast(Headers, said) for n, said in headers if said},
                    self.bytes * len(places) // len(partition),
                )
            ]
        return batches


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
                "queued.min.messages": _QUEUED_MESSAGES,
                "fetch.max.bytes": _QUEUE_KIB * 1024,
                "receive.message.max.bytes": ANSWER_BYTES_MAX,
                # Once its queue is full librdkafka asks for no more for a second by default: 64 MiB
                # last for a third of that, and the writer had nothing to do.
                "fetch.queue.backoff.ms": _FULL_MS,
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
        from confluent_kafka import KafkaException, Message

        taken = _Taken()
        while taken.bytes < _POLL_BYTES:
            try:
                # `consume` waits for as many as it was asked for: wait for one, take what is there.
                asked, wait = (taken.missing(), 0) if taken.offset else (1, timeout_seconds)
                found = self._reader.consume(asked, wait)
            except KafkaException as error:
                self._away(error)
                break
            if any(map(Message.error, found)):
                self._look_at([message for message in found if message.error() is not None])
                found = [message for message in found if message.error() is None]
            taken.take(found)
            if len(found) < asked:
                break
        if self._down.is_set():
            self._down.clear()
            self._away(StreamError("librdkafka reports an error of the connection"))
        return taken.batches() if taken.offset else {}

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
