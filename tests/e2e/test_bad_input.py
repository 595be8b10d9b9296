"""Bad input through a whole node: in the dead letters with its reason, and the rest is read."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from cli.configuration import load_configuration
from cli.wiring import Running
from ingest.topics import end_offsets, ensure_topics
from linksla.clock import SystemClock, parse_instant
from linksla.model import Reason
from linksla.names import TOPIC_DEADLETTER
from simulator.emit import KafkaSink, emit
from simulator.worlds import once_world

START_S = parse_instant("2025-11-22T06:00:00Z")  # DEN-2's corrupt messages come at noon
SECONDS = 12 * 3600


@pytest.mark.kafka
def test_every_reason_reaches_the_dead_letters_and_no_neighbour_is_lost(
    kafka: Any, tmp_path: Path
) -> None:
    world = once_world()
    topic = kafka.new_topic()
    ensure_topics(kafka.bootstrap, samples_topic=topic)
    sink = KafkaSink(kafka.bootstrap, topic)
    sink.start()
    emitted = emit(world, sink, START_S, START_S + SECONDS, batch=50)
    sink.close()
    world.write_config(tmp_path)
    file = tmp_path / "linksla.yaml"
    file.write_text(f"{file.read_text()}\nkafka: {{topic: {topic}}}\n")
    running = Running(load_configuration(tmp_path), kafka.bootstrap, SystemClock())
    try:
        running.start(web=False)
        ends = end_offsets(kafka.bootstrap, topic)
        assert running.node.wait_until(lambda at: all(at.get(p, 0) >= ends[p] for p in ends), 60)
        with running.telemetry.reader() as cursor:
            accepted = cursor.execute("select count(*) from samples").fetchone()
        letters = dead_letters(kafka.bootstrap, topic, sum(emitted.rejected.values()))
    finally:
        running.stop()

    assert accepted == (emitted.samples,)
    assert Counter(letters) == Counter(emitted.rejected)
    assert set(letters) == {reason.value for reason in Reason}


def dead_letters(bootstrap: str, topic: str, expected: int) -> list[str]:
    """Return the reason of each rejected sample of a topic, once there are as many as expected."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(TOPIC_DEADLETTER, 0)])
    reasons: list[str] = []
    for _ in range(60):
        for records in consumer.poll(1000).values():
            for record in records:
                headers = {key: value.decode() for key, value in record.headers}
                if headers["topic"] == topic:
                    assert int(headers["offset"]) >= 0
                    assert headers["partition"].isdigit()
                    indices = headers["index"].split(",")  # one letter a message and reason
                    reasons += [headers["reason"]] * len(indices)
        if len(reasons) >= expected:
            break
    consumer.close()
    return reasons
