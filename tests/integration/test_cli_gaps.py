"""On a real broker: what is gone stops a node with an explanation, or is accepted and kept."""

import importlib.util
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from alerts.node_alarms import NodeAlarms
from cli.gaps import begin_reading
from ingest import kafka_source
from ingest.kafka_source import KafkaSource
from ingest.librdkafka_source import LibrdkafkaSource
from ingest.source import AnotherStream, StreamGap
from linksla.clock import SystemClock
from linksla.errors import StreamError
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import WIRE_SCHEMA, encode
from processors.writer import Writer
from tests.conftest import required

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()
Client = type[KafkaSource] | type[LibrdkafkaSource]


class Reader:
    """The parts of a node that begin to read, on one database."""

    def __init__(self, network: Any, client: Client, bootstrap: str, topic: str) -> None:
        self.store: TelemetryStore = network.store
        self.topic = topic
        self.meters = Meters()
        self.source = client(bootstrap, clock=CLOCK, topic=topic)
        self.writer = Writer(
            self.store, network.inventory, topic, TimeSettings(), CLOCK, self.meters, partitions=1
        )

    def start(self, *, accept: bool = False) -> None:
        self.writer.start()
        alarms = NodeAlarms(self.store, CLOCK, close_after_seconds=86_400)
        begin_reading(self.source, self.writer, alarms, self.topic, accept=accept)

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
            "select payload from outbox where type = 'linksla.alarm.raised' "
            "and withheld_reason is null"
        ).fetchall()
        return [json.loads(payload)["data"] for (payload,) in rows]


@pytest.fixture(params=[KafkaSource, LibrdkafkaSource], ids=["kafka-python", "librdkafka"])
def client(request: pytest.FixtureRequest) -> Client:
    if request.param is LibrdkafkaSource and importlib.util.find_spec("confluent_kafka") is None:
        required("confluent-kafka (linksla[librdkafka])")
    chosen: Client = request.param
    return chosen


@pytest.fixture
def admin(kafka: Any) -> Iterator[KafkaAdminClient]:
    made = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    yield made
    made.close()


def send(kafka: Any, topic: str, values: int | Sequence[bytes]) -> None:
    """Send messages; a number of some that are no samples: what matters is that they count."""
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for value in [b"no sample"] * values if isinstance(values, int) else values:
        producer.send(topic, value=value, partition=0)
    producer.flush()
    producer.close()


@pytest.fixture
def topic(kafka: Any) -> str:
    return str(kafka.new_topic(partitions=1))


def read_some(network: Any, client: Client, kafka: Any, topic: str, count: int) -> None:
    send(kafka, topic, count)
    reader = Reader(network, client, kafka.bootstrap, topic)
    reader.start()
    reader.read_to(count)
    reader.source.close()


def test_retention_that_passed_a_stopped_node_is_explained_and_can_be_accepted(
    kafka: Any, client: Client, small_network: Any, topic: str, admin: KafkaAdminClient
) -> None:
    read_some(small_network, client, kafka, topic, 5)
    send(kafka, topic, 10)
    admin.delete_records({TopicPartition(topic, 0): 12})
    stopped = Reader(small_network, client, kafka.bootstrap, topic)

    with pytest.raises(StreamGap, match=r"offset 5 of partition 0 .*--accept-gap"):
        stopped.start()

    assert stopped.writer.next_offsets() == {0: 5}, "nothing moves before somebody accepts it"
    assert stopped.gaps() == []
    accepting = Reader(small_network, client, kafka.bootstrap, topic)
    accepting.start(accept=True)
    accepting.read_to(15)
    accepting.source.close()
    ((partition, first, last, count, detail),) = accepting.gaps()
    assert (partition, first, last, count) == (0, 5, 11, 7)
    assert "deleted before it was read; it may cover what was appended from 20" in detail
    (message,) = accepting.announced()
    assert (message["type"], message["value"]) == ("feed_gap", "7")
    assert message["qualifier"] == f"{topic}/0 5"
    read = accepting.store.writer.execute('select max("offset") from rejects').fetchone()
    assert read == (14,)


def test_a_gap_is_said_once_and_a_restart_after_it_is_quiet(
    kafka: Any, client: Client, small_network: Any, topic: str, admin: KafkaAdminClient
) -> None:
    read_some(small_network, client, kafka, topic, 2)
    send(kafka, topic, 4)
    admin.delete_records({TopicPartition(topic, 0): 4})
    for _ in range(2):
        reader = Reader(small_network, client, kafka.bootstrap, topic)
        reader.start(accept=True)
        reader.read_to(6)
        reader.source.close()

    reader.start()
    reader.source.close()

    assert len(reader.gaps()) == len(reader.announced()) == 1


def test_a_topic_made_anew_is_explained_and_can_be_accepted(
    kafka: Any, client: Client, small_network: Any, topic: str
) -> None:
    other = str(kafka.new_topic(partitions=1))
    read_some(small_network, client, kafka, topic, 9)
    send(kafka, other, 3)
    store = small_network.store
    store.writer.execute(f"update offsets set topic = '{other}' where topic = '{topic}'")
    stopped = Reader(small_network, client, kafka.bootstrap, other)

    with pytest.raises(AnotherStream, match=r"a topic made anew .*--accept-gap"):
        stopped.start()

    accepting = Reader(small_network, client, kafka.bootstrap, other)
    accepting.start(accept=True)
    accepting.read_to(3)
    accepting.source.close()
    ((_, first, last, count, detail),) = accepting.gaps()
    assert (first, last, count) == (9, None, 0)
    assert "a topic made anew" in detail
    assert accepting.writer.identity() == dict(accepting.source.identity())
    again = Reader(small_network, client, kafka.bootstrap, other)
    again.start()
    again.source.close()
    assert len(again.gaps()) == 1


def test_a_topic_that_was_cut_off_is_read_again_from_its_beginning(
    kafka: Any, client: Client, small_network: Any, topic: str
) -> None:
    send(kafka, topic, 3)
    read_some(small_network, client, kafka, topic, 3)
    small_network.store.writer.execute(
        f"update offsets set next_offset = 100 where topic = '{topic}'"
    )
    with pytest.raises(StreamGap, match="it holds 0 to 6"):
        Reader(small_network, client, kafka.bootstrap, topic).start()
    reader = Reader(small_network, client, kafka.bootstrap, topic)

    reader.start(accept=True)
    reader.read_to(6)
    reader.source.close()

    ((_, first, last, _, detail),) = reader.gaps()
    assert (first, last) == (6, 99)
    assert detail.startswith("cut off by the broker")


def samples(first: int, count: int) -> list[bytes]:
    """Return samples of DEN-1, one a message, ten seconds apart, an hour ago."""
    hour_ago_us = CLOCK.now_us() // 3_600_000_000 * 3_600_000_000 - 3_600_000_000
    rows = [
        {
            "circuit_id": "DEN-1", "channel": "ch1", "sequence": number, "interval_ms": 10_000,
            "observed_at": hour_ago_us + number * 10_000_000, "bgp_state": "ESTABLISHED",
        }
        for number in range(first, first + count)
    ]  # fmt: skip
    return [encode(pa.Table.from_pylist([row], schema=WIRE_SCHEMA), batch=1)[0] for row in rows]


def read_until_it_stops(reader: Reader) -> None:
    deadline = CLOCK.monotonic_seconds() + 30
    while CLOCK.monotonic_seconds() < deadline:
        reader.writer.write(reader.source.poll(0.5))


def test_a_topic_made_anew_while_a_node_reads_stops_it_and_all_of_it_counts_once(
    kafka: Any, client: Client, small_network: Any, topic: str, admin: KafkaAdminClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What it reads before it notices is found to be duplicate when all is read again."""
    monkeypatch.setattr(kafka_source, "_IDENTITY_SECONDS", 2.0)
    send(kafka, topic, samples(0, 5))
    reader = Reader(small_network, client, kafka.bootstrap, topic)
    reader.start()
    reader.read_to(5)

    admin.delete_topics([topic])
    deadline = CLOCK.monotonic_seconds() + 30
    while topic in admin.list_topics():
        assert CLOCK.monotonic_seconds() < deadline
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    send(kafka, topic, samples(100, 20))  # the stored offset is one of the new topic, too
    with pytest.raises(StreamError, match="made anew"):
        read_until_it_stops(reader)
    reader.source.close()

    with pytest.raises(AnotherStream, match=r"a topic made anew .*--accept-gap"):
        Reader(small_network, client, kafka.bootstrap, topic).start()
    accepting = Reader(small_network, client, kafka.bootstrap, topic)
    accepting.start(accept=True)
    accepting.read_to(20)
    accepting.source.close()
    ((_, first, last, count, detail),) = accepting.gaps()
    assert first in (5, 20)
    assert (last, count) == (None, 0)
    assert "a topic made anew" in detail
    found = accepting.store.writer.execute("select sequence from samples order by 1").fetchall()
    assert [sequence for (sequence,) in found] == [*range(5), *range(100, 120)]
