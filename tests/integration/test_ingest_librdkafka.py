"""What librdkafka would do otherwise: read more than a poll at once, and rest when it is ahead."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from kafka import KafkaProducer

from ingest.librdkafka_source import LibrdkafkaSource
from linksla.clock import SystemClock
from linksla.wire import WIRE_SCHEMA, encode
from tests.conftest import required

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]
CLOCK = SystemClock()
SAMPLES = 500
MESSAGES = 8_000
REST_SECONDS = 0.4
"""Less than the second librdkafka rests by default, more than what is there takes to come."""
POLL_SAMPLES_MAX = 260_000
"""16 MiB of samples of 70 bytes, and one message beyond that."""


@pytest.fixture
def source(kafka: Any) -> Iterator[LibrdkafkaSource]:
    """Return a source of 280 MB in messages of 35 KB, four times what librdkafka queues.

    Packed, so that its queue is full at once.
    """
    if importlib.util.find_spec("confluent_kafka") is None:
        required("confluent-kafka (linksla[librdkafka])")
    topic = kafka.new_topic(partitions=1)
    row = {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": 1, "interval_ms": 10_000,
        "observed_at": CLOCK.now_us() - 3_600_000_000, "bgp_state": "ESTABLISHED",
        "latency_ms": 4.25, "jitter_ms": 0.5, "loss_ratio": 0.0, "rx_bps": 1e9, "tx_bps": 1e9,
    }  # fmt: skip
    (value,) = encode(pa.Table.from_pylist([row] * SAMPLES, schema=WIRE_SCHEMA), batch=SAMPLES)
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        batch_size=1_000_000,
        linger_ms=50,
        compression_type="lz4",
    )
    for _ in range(MESSAGES):
        producer.send(topic, value=value)
    producer.close()
    made = LibrdkafkaSource(kafka.bootstrap, clock=CLOCK, topic=topic)
    yield made
    made.close()


def test_large_messages_come_in_polls_of_16_mib_and_go_on_after_the_queue_was_full(
    source: LibrdkafkaSource,
) -> None:
    source.start({})
    counts: list[int] = []
    deadline = CLOCK.monotonic_seconds() + 60
    while sum(counts) < MESSAGES * SAMPLES:
        assert CLOCK.monotonic_seconds() < deadline, "the messages do not come"
        counts.append(source.poll(REST_SECONDS).samples.num_rows)

    assert max(counts) < POLL_SAMPLES_MAX
    came = counts[next(n for n, count in enumerate(counts) if count) :]
    assert 0 not in came, "librdkafka rested for a second, though there was more"
