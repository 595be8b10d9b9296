"""A real file through a real Kafka."""

import io
from pathlib import Path

import fastavro
import pytest
from kafka import KafkaConsumer, TopicPartition

from ingest.mapping import load_mapping
from ingest.replay import replay
from linksla.errors import StreamError
from linksla.wire import partition_of, schema, single_object_header

RIPE = Path(__file__).parents[2] / "config" / "mappings" / "ripe-atlas.yaml"


@pytest.mark.kafka
@pytest.mark.parametrize(("batch", "name"), [(500, "LinkSampleBatch"), (1, "LinkSample")])
def test_ripe_traces_arrive_whole_in_order_and_in_their_partition(
    kafka, rtt_traces: Path, batch: int, name: str
) -> None:
    topic = kafka.new_topic()
    told: list[tuple[int, int]] = []

    result = replay(
        [rtt_traces / "11145.csv", rtt_traces / "11119.csv"],
        load_mapping(RIPE),
        kafka.bootstrap,
        topic=topic,
        batch=batch,
        progress=lambda done, total: told.append((done, total)),
    )

    seen: dict[str, list[dict[str, object]]] = {}
    reader_schema = fastavro.parse_schema(schema(name))
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, consumer_timeout_ms=5000)
    consumer.assign([TopicPartition(topic, p) for p in range(8)])
    consumer.seek_to_beginning()
    for messages, record in enumerate(consumer, 1):
        assert record.value.startswith(single_object_header(name))
        value = fastavro.schemaless_reader(io.BytesIO(record.value[10:]), reader_schema, None)
        for sample in value["samples"] if batch > 1 else [value]:
            assert record.partition == partition_of(sample["circuit_id"])
            seen.setdefault(sample["circuit_id"], []).append(sample)
        if messages == result.messages:
            break
    consumer.close()

    assert (result.samples, result.skipped.total) == (22002, 0)
    assert told[-1] == (22002, 22002)
    assert {name: len(rows) for name, rows in seen.items()} == {
        "RTT-11119": 10001,
        "RTT-11145": 12001,
    }
    for rows in seen.values():
        times = [row["observed_at"] for row in rows]
        assert times == sorted(set(times))
        assert sum(row["loss_ratio"] for row in rows) == 8


@pytest.mark.kafka
def test_a_topic_with_another_number_of_partitions_is_refused(kafka, rtt_traces: Path) -> None:
    topic = kafka.new_topic(partitions=3)

    with pytest.raises(StreamError, match="has 3 partitions, not 8"):
        replay([rtt_traces / "11119.csv"], load_mapping(RIPE), kafka.bootstrap, topic=topic)


def test_a_kafka_that_is_not_there_is_an_error_that_says_what_to_do(rtt_traces: Path) -> None:
    with pytest.raises(
        StreamError, match=r"127\.0\.0\.1:9: Kafka cannot be reached.*linksla kafka"
    ):
        replay([rtt_traces / "11119.csv"], load_mapping(RIPE), "127.0.0.1:9")
