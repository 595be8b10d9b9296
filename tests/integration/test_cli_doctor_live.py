"""Where a real node stands: doctor and /metrics, and what they say while the broker is away."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from kafka import KafkaProducer

from cli.configuration import load_configuration
from cli.control import ask_node
from cli.doctor import explained
from cli.wiring import Running, socket_path
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import SystemClock
from linksla.errors import StreamError
from linksla.names import TOPIC_SAMPLES
from linksla.wire import WIRE_SCHEMA, encode, partition_of
from tests.chaos.proxy import Proxy
from tests.conftest import required, write_config

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()
NOTED = {
    "lag": "linksla_ingest_partition_lag{partition=",
    "lag in all": "linksla_ingest_lag_messages ",
    "watermark": "linksla_watermark_timestamp_seconds{partition=",
    "watermark behind": "linksla_watermark_lag_seconds{partition=",
    "samples/s": "linksla_samples_per_second ",
    "rejects by reason": 'linksla_ingest_rejects_total{reason="undecodable"} 3',
    "queue depth": "linksla_queue_polls ",
    "commit time": 'linksla_commit_seconds{quantile="0.99"} ',
    "database": 'linksla_store_bytes{store="database"} ',
    "write-ahead log": 'linksla_store_bytes{store="wal"} ',
    "parquet": 'linksla_store_bytes{store="parquet"} ',
    "decisions": 'linksla_store_bytes{store="decisions"} ',
    "complete up to": "sla_complete_lag_seconds ",
    "last error": "linksla_last_error_seconds ",
    "errors": 'linksla_errors_total{level="warning"} ',
}
"""What issue 4, line 12 asks /metrics for, and what stands there."""


class Heard(logging.Handler):
    """Counts what the root logger's handlers get, by logger and text."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kinds: Counter[tuple[str, str]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.args[0] if isinstance(record.args, tuple) and record.args else ""
        repeated = "more like it" in record.msg
        self.kinds[(record.name, str(text) if repeated else str(record.msg))] += 1


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    made = Proxy()
    kafka = EmbeddedKafka(tmp_path / "kafka", port=0, advertised_port=made.port)
    try:
        kafka.start()
    except StreamError as error:
        required(f"an embedded Kafka ({error})")
    made.target_port = int(kafka.bootstrap.rpartition(":")[2])
    made.start()
    yield made
    made.close()
    kafka.stop()


@pytest.fixture
def running(proxy: Proxy, tmp_path: Path) -> Iterator[Running]:
    write_config(tmp_path / "config")
    (tmp_path / "config" / "linksla.yaml").write_text("data: ../data\nweb: {port: 0}\n")
    ensure_topics(proxy.bootstrap)
    made = Running(load_configuration(tmp_path / "config"), proxy.bootstrap, CLOCK)
    made.start()
    yield made
    made.stop()


def send(bootstrap: str) -> None:
    now_s = CLOCK.now_us() // 1_000_000 - 60
    rows = [
        {
            "circuit_id": "LON-1", "channel": "primary", "sequence": n,
            "observed_at": (now_s + n) * 1_000_000, "interval_ms": 1_000, "latency_ms": 3.0,
            "loss_ratio": 0.0, "bgp_state": "ESTABLISHED",
        }
        for n in range(30)
    ]  # fmt: skip
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for value in [*encode(pa.Table.from_pylist(rows, schema=WIRE_SCHEMA), batch=30), *[b"?"] * 3]:
        producer.send(TOPIC_SAMPLES, value=value, partition=partition_of("LON-1"))
    producer.close()


def until(holds: Callable[[], bool], said: str, seconds: float = 30) -> None:
    pause, deadline = threading.Event(), CLOCK.monotonic_seconds() + seconds
    while not holds():
        assert CLOCK.monotonic_seconds() < deadline, said
        pause.wait(0.1)


def test_doctor_and_metrics_say_where_a_node_stands_and_what_went_wrong_last(
    running: Running, proxy: Proxy
) -> None:
    heard, socket = Heard(), socket_path(running.configuration)
    logging.getLogger().addHandler(heard)
    send(proxy.bootstrap)
    until(lambda: running.meters.value("linksla_ingest_samples_total") == 30, "no samples")

    def status() -> Any:
        return ask_node(socket, "GET", "/status")

    before = explained(status() | {"running": True})
    errors = running.meters.value("linksla_ingest_broker_errors_total")
    proxy.cut()
    until(
        lambda: running.meters.value("linksla_ingest_broker_errors_total") >= errors + 3,
        "nobody misses the broker",
        60,
    )
    while_away = status()
    metrics = httpx.get(f"http://127.0.0.1:{running.web.port}/metrics").text
    proxy.heal()
    logging.getLogger().removeHandler(heard)

    assert "last error      none" in before
    assert while_away["last_error"]["ended"] is False
    assert "last error      20" in explained(while_away | {"running": True})
    assert any("kafka does not answer" in text for _, text in heard.kinds)
    assert {name for name, line in NOTED.items() if line not in metrics} == set()
    assert all(count == 1 for count in heard.kinds.values()), heard.kinds
