"""Killed at any step, a node ends with the same rows as one that nobody disturbed."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from ingest.topics import end_offsets
from linksla.clock import parse_instant
from simulator.emit import KafkaSink, emit
from simulator.worlds import once_world

NODE = Path(__file__).with_name("crashing_node.py")
ROOT = NODE.parent.parent.parent
STEPS = ("samples", "rollups", "ledger", "rejects", "pending", "spans", "progress", "offsets")
POINTS = [
    *(f"{side} {step}" for step in (*STEPS, "commit") for side in ("before", "after")),
    "committed",
]
DAY = 86_400

COMPARED: Mapping[str, str] = {
    "offsets": """
        select topic, partition, next_offset, watermark_us
        from offsets where next_offset > 0 -- an empty partition follows the clock
    """,
    "samples": "from samples",
    "pending": "from pending",
    "spans": "from spans",
    "progress": "from channel_progress",
    "rollups": "from rollups",
    "histogram": """
        select channel_key, start_s, bucket, sum(count)
        from latency_histogram group by all
    """,
    "ledger": """
        select kind, circuit_id, channel, day, sum(count), partition
        from ledger group by all
    """,
    "rejects": 'select topic, partition, "offset", reason, index_in_message, value from rejects',
    "verdicts": """
        select circuit_id, month, arg_max(verdicts, calculation_version)
        from verdict_history group by all
    """,
}


def run(config: Path, bootstrap: str, topic: str, ends: Mapping[int, int], *fault: str) -> int:
    words = [str(config), bootstrap, topic, json.dumps(ends), *fault]
    done = subprocess.run(
        [sys.executable, str(NODE), *words], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, timeout=180
    )
    return done.returncode


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_a_node_killed_at_every_step_ends_like_an_undisturbed_one(kafka, tmp_path: Path) -> None:
    world = once_world()
    topic = kafka.new_topic()
    sink = KafkaSink(kafka.bootstrap, topic)
    sink.start()
    start_s = parse_instant("2025-11-03T00:00:00Z")  # corrupt messages, reordering
    emit(world, sink, start_s, start_s + 3 * DAY, batch=20)
    emit(world, sink, world.pause_s or world.end_s, world.end_s, batch=20)
    sink.close()
    ends = end_offsets(kafka.bootstrap, topic)
    for name in ("killed", "undisturbed"):
        world.write_config(tmp_path / name)
    chance = random.Random(7)

    kills = [
        run(tmp_path / "killed", kafka.bootstrap, topic, ends, point, str(chance.randint(1, 2)))
        for point in POINTS
    ]
    finished = [
        run(tmp_path / name, kafka.bootstrap, topic, ends) for name in ("killed", "undisturbed")
    ]

    assert kills == [-signal.SIGKILL] * len(POINTS)
    assert finished == [0, 0]
    assert differences(tmp_path) == {}


def differences(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return what one store holds and the other does not, counted with repetition."""
    found = {}
    with duckdb.connect() as connection:
        for name in ("killed", "undisturbed"):
            path = folder / name / "var" / "telemetry.duckdb"
            connection.execute(f"attach '{path}' as {name} (read_only)")
        for table, query in COMPARED.items():
            rows = {}
            for name in ("killed", "undisturbed"):
                connection.execute(f"use {name}")
                rows[name] = sorted(connection.execute(query).fetchall(), key=repr)
            if rows["killed"] != rows["undisturbed"]:
                found[table] = [
                    *(set(rows["killed"]) ^ set(rows["undisturbed"])),
                    (len(rows["killed"]), len(rows["undisturbed"])),
                ][:20]
            assert table in ("pending",) or rows["undisturbed"], f"{table} is empty"
    return found
