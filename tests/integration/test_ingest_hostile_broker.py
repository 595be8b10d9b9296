"""What takes a node's memory, through a real broker: bombs, 100 MB, long names, claimed entries."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from kafka import KafkaProducer

from ingest.topics import ensure_topics
from linksla.clock import SystemClock
from linksla.wire import WIRE_SCHEMA, encode, single_object_header
from tests.conftest import write_config

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
NODE = Path(__file__).with_name("measured_node.py")
ROOT = NODE.parent.parent.parent
MIB = 1024 * 1024
LIMIT_BYTES = 120 * MIB
CLIENTS = ("kafka-python", "librdkafka") if os.environ.get("LINKSLA_HOSTILE") else ("kafka-python",)
"""`make hostile` tries both."""


def good(sequence: int, **changes: Any) -> bytes:
    row = {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": sequence, "interval_ms": 10_000,
        "observed_at": SystemClock().now_us() - 3_600_000_000 + sequence * 10_000_000,
        "bgp_state": "ESTABLISHED", **changes,
    }  # fmt: skip
    return encode(pa.Table.from_pylist([row], schema=WIRE_SCHEMA), batch=1)[0]


def zigzag(value: int) -> bytes:
    left, out = value << 1, bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])


def read(
    kafka: Any, folder: Path, messages: Sequence[tuple[bytes, str | None]], *, client: str
) -> tuple[dict[str, Any], list[tuple[Any, ...]], int]:
    """Have a node of its own read messages (value, codec) between good ones; return what it took.

    The second is its rejects (offset, reason, index, bytes kept), the third how many samples.
    """
    ensure_topics(kafka.bootstrap)
    topic = kafka.new_topic(partitions=1, max_message_bytes=str(LIMIT_BYTES))
    for value, codec in [(good(0), None), *messages, (good(1), None)]:
        producer = KafkaProducer(
            bootstrap_servers=kafka.bootstrap, compression_type=codec, max_request_size=2**30,
            batch_size=0,
        )  # fmt: skip
        producer.send(topic, value=value).get(60)
        producer.close()
    write_config(folder)
    (folder / "linksla.yaml").write_text(f"kafka: {{topic: {topic}, client: {client}}}\n")
    words = [str(folder), kafka.bootstrap, json.dumps({0: len(messages) + 2}), str(len(messages))]
    done = subprocess.run(
        [sys.executable, str(NODE), *words], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, timeout=200,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    with duckdb.connect(str(folder / "var" / "telemetry.duckdb"), read_only=True) as store:
        rejects = store.execute(
            'select "offset", reason, index_in_message, octet_length(value) from rejects order by 1'
        ).fetchall()
        count = store.execute(
            "select (select count(*) from samples) + (select count(*) from pending)"
        ).fetchone()
    assert count is not None
    return json.loads(done.stdout), rejects, count[0]


def hostile() -> dict[str, tuple[bytes, str | None]]:
    """Return what a hostile producer may send through a broker that lets it: value and codec."""
    single, batch = single_object_header("LinkSample"), single_object_header("LinkSampleBatch")
    return {
        "name of 10,000": (good(5, circuit_id="x" * 10_000), None),
        "2^40 entries": (batch + zigzag(2**40) + b"x" * 100, None),
        "100 MB text": (single + zigzag(100_000_000) + b"x" * 100_000_000, None),
        "gzip bomb of 400 MiB": (bytes(400 * MIB), "gzip"),
    }


def test_long_names_claimed_entries_and_a_bomb_cost_less_than_the_bomb_unpacks_to(
    kafka: Any, tmp_path: Path
) -> None:
    cases = hostile()
    names = ("name of 10,000", "2^40 entries", "gzip bomb of 400 MiB")
    took, rejects, samples = read(
        kafka, tmp_path, [cases[name] for name in names], client="kafka-python"
    )

    assert took["done"]
    assert [reject[:3] for reject in rejects] == [
        (1, "over_limit", "0"), (2, "over_limit", ""), (3, "over_limit", ""),
    ]  # fmt: skip
    assert samples == 2, "the neighbours are stored"
    assert took["peak"] - took["before"] < 300, took


@pytest.mark.parametrize("client", CLIENTS)
def test_a_message_of_100_mb_is_a_reject_and_the_node_goes_on(
    kafka: Any, tmp_path: Path, client: str
) -> None:
    took, rejects, samples = read(kafka, tmp_path, [hostile()["100 MB text"]] * 2, client=client)

    assert took["done"], "it never went on"
    assert [reject[:3] for reject in rejects] == [(1, "over_limit", ""), (2, "over_limit", "")]
    assert samples == 2, "the neighbours are stored"
    assert took["letters"] == 2, "each is refused as a dead letter, once, and holds up nobody"
    assert took["peak"] < 1_800, took
