"""On a real broker: every reason for rejection, ends, gaps, and a broker that goes away."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from ingest.embedded_kafka import EmbeddedKafka
from ingest.kafka_source import KafkaSource
from linksla.clock import SystemClock
from linksla.errors import StreamError
from linksla.meters import Meters
from linksla.model import Poll, Reason
from linksla.wire import WIRE_SCHEMA, encode, schema, single_object_header

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()
NOW_US = CLOCK.now_us()


def sample(**changes: Any) -> dict[str, Any]:
    return {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": 1, "observed_at": NOW_US - 10**9,
        "interval_ms": 10_000, "latency_ms": 3.0, "loss_ratio": 0.0, "bgp_state": "ESTABLISHED",
        **changes,
    }  # fmt: skip


def single(**changes: Any) -> bytes:
    table = pa.Table.from_pylist([sample(**changes)], schema=WIRE_SCHEMA)
    return encode(table, batch=1)[0]


def batch(*rows: dict[str, Any]) -> bytes:
    return encode(pa.Table.from_pylist(list(rows), schema=WIRE_SCHEMA), batch=max(len(rows), 2))[0]


def spoiled_text() -> bytes:
    return batch(sample(), sample(circuit_id="DEN-9")).replace(b"DEN-9", b"DE\xff-9")


def reference(**changes: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema("LinkSample")), sample(**changes))
    return out.getvalue()


@pytest.fixture
def producer(kafka: Any) -> Iterator[KafkaProducer]:
    made = KafkaProducer(
        bootstrap_servers=kafka.bootstrap, max_request_size=64 * 1024 * 1024, linger_ms=5
    )
    yield made
    made.close()


def drained(source: KafkaSource, offset: int) -> list[Poll]:
    """Poll partition 0 until `offset` is reached, at most 30 s."""
    polls: list[Poll] = []
    deadline = CLOCK.monotonic_seconds() + 30
    while not polls or polls[-1].next_offsets.get(0, 0) < offset:
        assert CLOCK.monotonic_seconds() < deadline, f"offset {offset} is not reached"
        polls.append(source.poll(0.5))
    return polls


def opened(kafka: Any, topic: str, **arguments: Any) -> KafkaSource:
    return KafkaSource(kafka.bootstrap, clock=CLOCK, topic=topic, **arguments)


REASONS = [
    (b"\xc3\x01 no schema of ours", Reason.UNKNOWN_SCHEMA),
    (b"\x00\x00\x00\x00\x63" + reference(), Reason.UNKNOWN_SCHEMA),
    (b"nothing that Avro knows", Reason.UNDECODABLE),
    (single()[:-4], Reason.UNDECODABLE),
    (single() + b"!", Reason.UNDECODABLE),
    (None, Reason.UNDECODABLE),
    (spoiled_text(), Reason.INVALID_UTF8),
    (batch(sample(), sample(latency_ms=math.nan)), Reason.NOT_FINITE),
    (batch(sample(), sample(loss_ratio=1.5)), Reason.OUT_OF_RANGE),
    (batch(sample(), sample(observed_at=NOW_US + 86_400 * 10**6)), Reason.IN_THE_FUTURE),
    (batch(sample(), sample(channel="ch\u202e")), Reason.UNPRINTABLE_NAME),
    (batch(sample(), sample(circuit_id="x" * 201)), Reason.OVER_LIMIT),
    (batch(*[sample(sequence=n) for n in range(10_001)]), Reason.OVER_LIMIT),
    (single_object_header("LinkSampleBatch") + b"\x80\x80\x80\x80\x80\x80\x01", Reason.OVER_LIMIT),
]


def test_every_reason_is_found_and_the_neighbours_come_through(
    kafka: Any, producer: KafkaProducer
) -> None:
    began_us = CLOCK.now_us()
    topic = kafka.new_topic(partitions=1)
    for number, (value, _) in enumerate(REASONS):
        producer.send(topic, value=single(sequence=1_000 + number))
        producer.send(topic, value=value, key=b"k", headers=[("from", b"test")])
    producer.send(topic, value=single(sequence=2_000))
    producer.flush()
    meters = Meters()
    source = opened(kafka, topic, meters=meters)
    source.start({})

    polls = drained(source, 2 * len(REASONS) + 1)
    source.close()

    rejects = [reject for poll in polls for reject in poll.rejects]
    assert [(r.offset, r.reason) for r in rejects] == [
        (2 * n + 1, reason) for n, (_, reason) in enumerate(REASONS)
    ]
    rows = [row for poll in polls for row in poll.samples.to_pylist()]
    neighbours = [row["sequence"] for row in rows if row["sequence"] >= 1_000]
    assert neighbours == [*range(1_000, 1_000 + len(REASONS)), 2_000]
    assert len(rows) - len(neighbours) == 6, "the good sample of each batch with one bad"
    assert meters.value("linksla_ingest_rejects_total", reason="over_limit") == 3
    for poll in polls:
        for reject in poll.rejects:
            raw = poll.raw[(0, reject.offset)]
            assert raw.value == (REASONS[reject.offset // 2][0] or b"")
            assert (raw.key, raw.headers) == (b"k", (("from", b"test"),))
            assert began_us - 60 * 10**6 < raw.append_time_us < CLOCK.now_us() + 60 * 10**6


def test_a_decompression_bomb_is_passed_over_in_little_memory(kafka: Any) -> None:
    topic = kafka.new_topic(partitions=1)
    bomber = KafkaProducer(
        bootstrap_servers=kafka.bootstrap, compression_type="gzip", max_request_size=2**30,
        batch_size=2**28,
    )  # fmt: skip
    bomber.send(topic, value=bytes(80 * 1024 * 1024))
    bomber.flush()
    bomber.send(topic, value=single(sequence=5))
    bomber.close()
    source = opened(kafka, topic)
    source.start({})

    polls = drained(source, 2)
    source.close()

    (reject,) = [reject for poll in polls for reject in poll.rejects]
    assert (reject.reason, reject.offset) == (Reason.OVER_LIMIT, 0)
    assert "67,108,864" in reject.detail
    assert [r["sequence"] for p in polls for r in p.samples.to_pylist()] == [5]


@pytest.mark.parametrize("codec", ["gzip", "lz4"])
def test_compressed_samples_are_read(kafka: Any, codec: str) -> None:
    topic = kafka.new_topic(partitions=1)
    packer = KafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type=codec, linger_ms=50)
    for number in range(200):
        packer.send(topic, value=single(sequence=number))
    packer.close()
    source = opened(kafka, topic)
    source.start({})

    polls = drained(source, 200)
    source.close()

    assert [r["sequence"] for p in polls for r in p.samples.to_pylist()] == list(range(200))


def test_caught_up_is_said_only_of_partitions_read_to_their_end(
    kafka: Any, producer: KafkaProducer
) -> None:
    topic = kafka.new_topic(partitions=2)
    for number in range(50):
        producer.send(topic, value=single(sequence=number), partition=0)
    producer.flush()
    source = opened(kafka, topic)
    before_us = CLOCK.now_us()
    source.start({0: 10})

    polls: list[Poll] = []
    deadline = CLOCK.monotonic_seconds() + 20
    while not polls or 0 not in polls[-1].caught_up_at_us:
        assert CLOCK.monotonic_seconds() < deadline
        polls.append(source.poll(0.2))
    source.close()

    assert polls[-1].next_offsets == {0: 50, 1: 0}
    assert set(polls[-1].caught_up_at_us) == {0, 1}
    assert before_us <= polls[-1].caught_up_at_us[0] <= CLOCK.now_us()
    for poll in polls:
        if poll.next_offsets[0] < 50:
            assert 0 not in poll.caught_up_at_us


@pytest.mark.parametrize(("offsets", "said"), [({0: 4}, "offset 4"), ({7: 0}, "no such partition")])
def test_an_offset_that_is_not_there_is_refused_with_an_explanation(
    kafka: Any, producer: KafkaProducer, offsets: dict[int, int], said: str
) -> None:
    topic = kafka.new_topic(partitions=1)
    producer.send(topic, value=single())
    producer.flush()
    source = opened(kafka, topic)

    with pytest.raises(StreamError, match=said):
        source.start(offsets)


def test_messages_deleted_while_we_were_away_are_a_gap(kafka: Any, producer: KafkaProducer) -> None:
    topic = kafka.new_topic(partitions=1)
    for number in range(10):
        producer.send(topic, value=single(sequence=number))
    producer.flush()
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, 0): 6})
    admin.close()
    source = opened(kafka, topic)

    with pytest.raises(StreamError, match="it holds 6 to 10"):
        source.start({0: 3})


def test_a_topic_made_anew_under_our_feet_stops_the_source(kafka: Any) -> None:
    topic = kafka.new_topic(partitions=1)
    source = opened(kafka, topic)
    source.start({})
    known = source.identity()
    source.close()
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([topic])
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()

    with pytest.raises(StreamError, match="a topic made anew"):
        opened(kafka, topic).start({}, known=known)


def test_a_topic_that_is_not_there_is_named(kafka: Any) -> None:
    with pytest.raises(StreamError, match=r"there is no topic no\.such\.topic"):
        opened(kafka, "no.such.topic").start({})


def test_a_broker_that_goes_away_is_waited_for_and_never_counts_as_caught_up(
    tmp_path: Path, kafka: Any
) -> None:
    broker = EmbeddedKafka(tmp_path / "broker", port=0)
    broker.start()
    topic = type(kafka)(broker.bootstrap).new_topic(partitions=1)
    meters = Meters()
    source = opened(broker, topic, meters=meters)
    source.start({})
    broker.stop()

    away = [source.poll(0.2) for _ in range(3)]
    deadline = CLOCK.monotonic_seconds() + 20
    while meters.value("linksla_ingest_broker_errors_total") == 0:
        assert CLOCK.monotonic_seconds() < deadline
        away.append(source.poll(0.2))

    assert all(poll.samples.num_rows == 0 for poll in away)
    assert away[-1].caught_up_at_us == {}
    assert meters.value("linksla_ingest_broker_up") == 0
    broker.start()
    sender = KafkaProducer(bootstrap_servers=broker.bootstrap)
    sender.send(topic, value=single(sequence=77))
    sender.close()
    polls = drained(source, 1)
    source.close()
    broker.stop()
    assert [r["sequence"] for p in polls for r in p.samples.to_pylist()] == [77]
