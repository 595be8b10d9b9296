"""A node and a demo end in time on a signal, in whatever state their broker is."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from kafka import KafkaProducer

from cli.stopping import STOP_SECONDS_MAX
from cli.wiring import Running
from ingest.embedded_kafka import EmbeddedKafka
from ingest.kafka_jars import fetch_jars
from linksla.clock import SystemClock
from linksla.errors import StreamError
from linksla.names import TOPIC_SAMPLES
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from tests.conftest import required, write_config

ROOT = Path(__file__).parent.parent.parent
CLOCK = SystemClock()
MESSAGES = 2_000
MISSED = "linksla_ingest_broker_up 0"


@pytest.fixture(autouse=True, scope="module")
def jars() -> None:
    try:
        fetch_jars()
    except StreamError as error:
        required(f"an embedded Kafka ({error})")


class Command:
    """A running `linksla` command that has a broker of its own."""

    def __init__(self, words: list[str], data: Path) -> None:
        self._data = data
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *words],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said.append(line)  # as it comes

    def end(self) -> None:
        """Make sure that neither it nor its broker is left behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        lock = self._data / "kafka" / "broker.lock"
        if lock.exists() and alive(self.broker):
            os.kill(self.broker, signal.SIGKILL)
        self._listener.join(10)

    def word_after(self, start: str) -> str:
        """Return the second word of the line that begins so, once it is said."""
        until(lambda: any(line.startswith(start) for line in self.said), f"no {start}: {self.said}")
        return next(line.split()[1] for line in self.said if line.startswith(start)).rstrip(",")

    @property
    def broker(self) -> int:
        return int((self._data / "kafka" / "broker.lock").read_text())

    def tells(self, portal: str, line: str) -> bool:
        """Return whether a line of the node's numbers begins so."""
        return f"\n{line}" in httpx.get(f"{portal}/metrics").text


def until(holds, said: str, seconds: float = 90) -> None:
    pause, deadline = threading.Event(), CLOCK.monotonic_seconds() + seconds
    while not holds():
        assert CLOCK.monotonic_seconds() < deadline, said
        pause.wait(0.1)


@contextmanager
def running(words: list[str], data: Path) -> Iterator[Command]:
    command = Command(words, data)
    try:
        yield command
    finally:
        command.end()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def bring(broker: int, state: str, misses_it) -> None:
    """Halt the broker, or end it, until it is missed; a halted one may then go on."""
    os.kill(broker, signal.SIGKILL if state == "gone" else signal.SIGSTOP)
    until(misses_it, "nobody misses the broker")
    if state == "goes on":
        os.kill(broker, signal.SIGCONT)


def send(bootstrap: str) -> None:
    """Send messages that nobody can read: their dead letters are under way."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for number in range(MESSAGES):
        producer.send(TOPIC_SAMPLES, value=b"?%d" % number, partition=partition_of("LON-1"))
    producer.flush()
    producer.close()


@pytest.fixture
def run_words(tmp_path: Path) -> list[str]:
    write_config(tmp_path / "config")
    (tmp_path / "config" / "linksla.yaml").write_text(
        "data: ../data\nweb: {port: 0}\nkafka: {port: 0}\n"
    )
    return ["run", "--config", str(tmp_path / "config")]


def reads(node: Command) -> None:
    """Send messages to a node's broker and wait until it reads them."""
    bootstrap, portal = node.word_after("Kafka"), node.word_after("portal")
    send(bootstrap)
    until(lambda: node.tells(portal, "linksla_ingest_rejects_total"), "nothing is read")


def is_whole(data: Path) -> None:
    """Assert that a node left as much as its offsets say."""
    written, read = written_and_read(data)
    assert 0 < written == read <= MESSAGES


@pytest.mark.kafka
def test_a_node_ends_in_time_and_whole_when_its_own_broker_is_halted(
    tmp_path: Path, run_words: list[str]
) -> None:
    with running(run_words, tmp_path / "data") as node:
        reads(node)
        broker, portal = node.broker, node.word_after("portal")
        bring(broker, "halted", lambda: node.tells(portal, MISSED))

        node.process.send_signal(signal.SIGTERM)
        code = node.process.wait(STOP_SECONDS_MAX + 2)

    assert code == 0, "".join(node.said)
    assert "leaked" not in "".join(node.said)
    assert not alive(broker)
    is_whole(tmp_path / "data")


@pytest.mark.kafka
def test_a_node_waits_for_a_cluster_that_is_gone_and_ends_in_time_and_whole(
    tmp_path: Path, run_words: list[str]
) -> None:
    cluster = EmbeddedKafka(tmp_path / "cluster", port=0)
    cluster.start()
    assert cluster.pid is not None
    try:
        words = [*run_words, "--kafka", cluster.bootstrap]
        with running(words, tmp_path / "data") as node:
            reads(node)
            portal = node.word_after("portal")
            bring(cluster.pid, "gone", lambda: node.tells(portal, MISSED))

            node.process.send_signal(signal.SIGINT)
            code = node.process.wait(STOP_SECONDS_MAX + 2)
    finally:
        cluster.stop()

    assert code == 0, "".join(node.said)
    is_whole(tmp_path / "data")


@pytest.mark.kafka
def test_a_node_whose_own_broker_has_ended_ends_too_and_says_why(
    tmp_path: Path, run_words: list[str]
) -> None:
    with running(run_words, tmp_path / "data") as node:
        reads(node)

        os.kill(node.broker, signal.SIGKILL)
        code = node.process.wait(STOP_SECONDS_MAX + 2)

    said = "".join(node.said)
    assert code == 1, said
    assert "the broker ended by itself (exit -9); it said last:" in said
    assert "server.log" in said
    assert "Traceback" not in said
    is_whole(tmp_path / "data")


def written_and_read(data: Path) -> tuple[int, int]:
    """Return how many messages were set aside, and how many the offsets say were read."""
    store = TelemetryStore(data / "telemetry.duckdb")
    store.start()
    with store.reader() as cursor:
        (rejected,) = cursor.execute("select count(*) from rejects").fetchone() or (0,)
        (read,) = cursor.execute("select sum(next_offset) from offsets").fetchone() or (0,)
    store.close()
    return rejected, int(read)


@pytest.mark.kafka
def test_a_demo_ends_in_time_when_its_broker_was_halted_and_goes_on(tmp_path: Path) -> None:
    with running(["demo", "--port", "0", "--data", str(tmp_path)], tmp_path / "data") as demo:
        portal = demo.word_after("portal")
        demo.word_after("history")
        broker = demo.broker
        bring(broker, "goes on", lambda: demo.tells(portal, MISSED))

        demo.process.send_signal(signal.SIGINT)
        code = demo.process.wait(STOP_SECONDS_MAX + 2)

    assert code == 0, "".join(demo.said)
    assert not alive(broker)


@pytest.mark.kafka
def test_a_demo_whose_broker_has_ended_ends_too_and_says_why(tmp_path: Path) -> None:
    with running(["demo", "--port", "0", "--data", str(tmp_path)], tmp_path / "data") as demo:
        demo.word_after("history")

        os.kill(demo.broker, signal.SIGKILL)
        code = demo.process.wait(STOP_SECONDS_MAX + 2)

    assert code == 1, "".join(demo.said)
    assert "the broker ended by itself" in "".join(demo.said)


def test_all_parts_are_told_before_any_is_waited_for() -> None:
    order: list[str] = []

    class Part:
        def __init__(self, name: str) -> None:
            self.name = name

        def begin_stop(self) -> None:
            order.append(f"{self.name} told")

        def stop(self, within_seconds: float) -> None:
            assert 0 < within_seconds <= 3
            order.append(f"{self.name} waited for")

    made = Running(None, "", CLOCK)  # type: ignore[arg-type]
    for name in ("node", "web"):
        made._stop_with(Part(name))
    made.stop(3)

    assert order == ["web told", "node told", "web waited for", "node waited for"]


def test_what_does_not_end_by_itself_is_ended_and_says_so() -> None:
    waits_for_ever = (
        "import threading, cli.stopping as s; s.STOP_SECONDS_MAX = 0.2; s.stop_on_signal();"
        "print('ready', flush=True); t = threading.Event()\nwhile True: t.wait(60)"
    )
    stuck = subprocess.Popen(
        [sys.executable, "-c", waits_for_ever],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert stuck.stdout is not None
    assert stuck.stdout.readline() == "ready\n"

    stuck.send_signal(signal.SIGTERM)
    _, said = stuck.communicate(timeout=30)

    assert stuck.returncode == 1
    assert "did not end within 0.2 s, and is ended: nothing is half written" in said
