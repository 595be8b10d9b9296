"""On a real broker: what is gone stops a node with an explanation, or is accepted and kept."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from cli.gaps import begin_reading
from ingest.kafka_source import KafkaSource
from ingest.source import AnotherStream, StreamGap
from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.writer import Writer

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()


class Reader:
    """The parts of a node that begin to read, on one database."""

    def __init__(self, network: Any, bootstrap: str, topic: str) -> None:
        self.store: TelemetryStore = network.store
        self.topic = topic
        self.meters = Meters()
        self.source = KafkaSource(bootstrap, clock=CLOCK, topic=topic)
        self.writer = Writer(
            self.store, network.inventory, topic, TimeSettings(), CLOCK, self.meters, partitions=1
        )

    def start(self, *, accept: bool = False) -> None:
        self.writer.start()
        begin_reading(self.source, self.writer, self.store, self.topic, CLOCK, accept=accept)

    def read_to(self, offset: int) -> None:
        deadline = CLOCK.monotonic_seconds() + 30
        while self.writer.next_offsets().get(0, 0) < offset:
            assert CLOCK.monotonic_seconds() < deadline, f"offset {offset} is not reached"
            self.writer.write(self.source.poll(0.5))

    def gaps(self) -> list[tuple[Any, ...]]:
        return self.store.writer.execute(
            "select partition, first_offset, last_offset, count, detail from ledger"
            " where kind = 'gap'"
        ).fetchall()

    def announced(self) -> list[dict[str, Any]]:
        rows = self.store.writer.execute(
            "select payload from outbox where type = 'linksla.feed.gap' and withheld_reason is null"
        ).fetchall()
        return [json.loads(payload)["data"] for (payload,) in rows]


@pytest.fixture
def admin(kafka: Any) -> Iterator[KafkaAdminClient]:
    made = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    yield made
    made.close()


def send(kafka: Any, topic: str, count: int) -> None:
    """Send messages that are no samples: what matters here is that they are counted."""
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for _ in range(count):
        producer.send(topic, value=b"no sample", partition=0)
    producer.flush()
    producer.close()


@pytest.fixture
def topic(kafka: Any) -> str:
    return str(kafka.new_topic(partitions=1))


def read_some(network: Any, kafka: Any, topic: str, count: int) -> None:
    send(kafka, topic, count)
    reader = Reader(network, kafka.bootstrap, topic)
    reader.start()
    reader.read_to(count)
    reader.source.close()


def test_retention_that_passed_a_stopped_node_is_explained_and_can_be_accepted(
    kafka: Any, small_network: Any, topic: str, admin: KafkaAdminClient
) -> None:
    read_some(small_network, kafka, topic, 5)
    send(kafka, topic, 10)
    admin.delete_records({TopicPartition(topic, 0): 12})
    stopped = Reader(small_network, kafka.bootstrap, topic)

    with pytest.raises(StreamGap, match=r"offset 5 of partition 0 .*--accept-gap"):
        stopped.start()

    assert stopped.writer.next_offsets() == {0: 5}, "nothing moves before somebody accepts it"
    assert stopped.gaps() == []
    accepting = Reader(small_network, kafka.bootstrap, topic)
    accepting.start(accept=True)
    accepting.read_to(15)
    accepting.source.close()
    ((partition, first, last, count, detail),) = accepting.gaps()
    assert (partition, first, last, count) == (0, 5, 11, 7)
    assert "deleted before it was read; it may cover what was appended from 20" in detail
    (message,) = accepting.announced()
    assert (message["type"], message["first_offset"], message["last_offset"]) == ("feed_gap", 5, 11)
    read = accepting.store.writer.execute('select max("offset") from rejects').fetchone()
    assert read == (14,)


def test_a_gap_is_said_once_and_a_restart_after_it_is_quiet(
    kafka: Any, small_network: Any, topic: str, admin: KafkaAdminClient
) -> None:
    read_some(small_network, kafka, topic, 2)
    send(kafka, topic, 4)
    admin.delete_records({TopicPartition(topic, 0): 4})
    for _ in range(2):
        reader = Reader(small_network, kafka.bootstrap, topic)
        reader.start(accept=True)
        reader.read_to(6)
        reader.source.close()

    reader.start()
    reader.source.close()

    assert len(reader.gaps()) == len(reader.announced()) == 1


def test_a_topic_made_anew_is_explained_and_can_be_accepted(
    kafka: Any, small_network: Any, topic: str
) -> None:
    other = str(kafka.new_topic(partitions=1))
    read_some(small_network, kafka, topic, 9)
    send(kafka, other, 3)
    store = small_network.store
    store.writer.execute(f"update offsets set topic = '{other}' where topic = '{topic}'")
    stopped = Reader(small_network, kafka.bootstrap, other)

    with pytest.raises(AnotherStream, match=r"a topic made anew .*--accept-gap"):
        stopped.start()

    accepting = Reader(small_network, kafka.bootstrap, other)
    accepting.start(accept=True)
    accepting.read_to(3)
    accepting.source.close()
    ((_, first, last, count, detail),) = accepting.gaps()
    assert (first, last, count) == (9, None, 0)
    assert "a topic made anew" in detail
    assert accepting.writer.identity() == dict(accepting.source.identity())
    again = Reader(small_network, kafka.bootstrap, other)
    again.start()
    again.source.close()
    assert len(again.gaps()) == 1


def test_a_topic_that_was_cut_off_is_read_again_from_its_beginning(
    kafka: Any, small_network: Any, topic: str
) -> None:
    send(kafka, topic, 3)
    read_some(small_network, kafka, topic, 3)
    small_network.store.writer.execute(
        f"update offsets set next_offset = 100 where topic = '{topic}'"
    )
    with pytest.raises(StreamGap, match="it holds 0 to 6"):
        Reader(small_network, kafka.bootstrap, topic).start()
    reader = Reader(small_network, kafka.bootstrap, topic)

    reader.start(accept=True)
    reader.read_to(6)
    reader.source.close()

    ((_, first, last, _, detail),) = reader.gaps()
    assert (first, last) == (6, 99)
    assert detail.startswith("cut off by the broker")
