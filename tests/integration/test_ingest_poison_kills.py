"""A message that kills the process ends in the rejects; every other one is read (DESIGN 4)."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from kafka import KafkaProducer

from linksla.clock import SystemClock
from linksla.wire import WIRE_SCHEMA, encode
from tests.conftest import write_config

NODE = Path(__file__).with_name("poisoned_node.py")
ROOT = NODE.parent.parent.parent
LIVES_MAX = 14
MESSAGES = 3


def message(sequence: int, circuit: str) -> bytes:
    row = {
        "circuit_id": circuit, "channel": "ch1", "sequence": sequence, "interval_ms": 10_000,
        "observed_at": SystemClock().now_us() - 3_600_000_000 + sequence * 10_000_000,
        "bgp_state": "ESTABLISHED",
    }  # fmt: skip
    return encode(pa.Table.from_pylist([row], schema=WIRE_SCHEMA), batch=1)[0]


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_message_that_kills_the_process_is_found_and_its_neighbours_are_stored(
    kafka: Any, tmp_path: Path
) -> None:
    topic = kafka.new_topic(partitions=2)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for partition in (0, 1):
        for n in range(MESSAGES):
            poison = (partition, n) == (1, 1)
            value = b"POISON" if poison else message(n, f"C-{partition}")
            producer.send(topic, value=value, partition=partition)
    producer.close()
    write_config(tmp_path)
    (tmp_path / "linksla.yaml").write_text(f"kafka: {{topic: {topic}}}\n")
    words = [str(tmp_path), kafka.bootstrap, topic, json.dumps({0: MESSAGES, 1: MESSAGES})]

    lives: list[int] = []
    while (not lives or lives[-1] != 0) and len(lives) < LIVES_MAX:
        done = subprocess.run(
            [sys.executable, str(NODE), *words], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
            timeout=120, capture_output=True,
        )  # fmt: skip
        lives.append(done.returncode)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()[-2_000:]

    assert lives[-1] == 0, f"it never went on: {lives}"
    assert lives.count(-signal.SIGKILL) >= 4
    with duckdb.connect(str(tmp_path / "var" / "telemetry.duckdb"), read_only=True) as store:
        rejects = store.execute(
            'select partition, "offset", reason, detail, value from rejects'
        ).fetchall()
        pending = store.execute("select count(*) from pending").fetchone()
    assert rejects == [(1, 1, "undecodable", "ended the process twice", b"POISON")]
    assert pending == (2 * MESSAGES - 1,), "the circuits are unknown: all their samples wait"
