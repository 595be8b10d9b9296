"""Real traces through everything: file → Kafka → DuckDB → API."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.configuration import load_configuration
from cli.main import main
from cli.wiring import Running
from dashboards.accounts import Accounts, Role
from ingest.topics import end_offsets
from linksla.clock import MICROSECONDS, SystemClock, iso
from processors.tables import stands

ROOT = Path(__file__).parent.parent.parent
DAY_S = 86_400

INVENTORY = """
customers: [{id: atlas, name: RIPE Atlas}]
circuits:
"""
CIRCUIT = """
  - id: RTT-%s
    owners: [{customer: atlas}]
    contract: rtt
    site: anywhere
    region: anywhere
    bandwidth_mbps: 1
    grid_seconds: 240
    active_from: 2016-01-01T00:00:00Z
    channels: [{name: probe}]
"""
CONTRACT = """
id: rtt
version: 1
title: Round-trip times
source: RIPE Atlas
timezone: UTC
availability: {target_percent: 95, up_at_least: 1, consecutive: 3}
"""


@pytest.mark.kafka
def test_real_traces_give_the_published_percentiles_and_losses(
    kafka: Any, vectors: Any, rtt_traces: Path, tmp_path: Path, capsys: Any
) -> None:
    cases = vectors("statistics")["ripe_atlas"]["cases"]
    names = [case["file"].removesuffix(".csv") for case in cases]
    topic = kafka.new_topic()
    folder = tmp_path / "config"
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "rtt.yaml").write_text(CONTRACT)
    (folder / "inventory.yaml").write_text(INVENTORY + "".join(CIRCUIT % name for name in names))
    (folder / "linksla.yaml").write_text(
        f"kafka: {{topic: {topic}}}\nweb: {{port: 0}}\n"
        "time: {idle_after_seconds: 1, allowed_lateness_seconds: 0}\n"
    )
    mapping = str(ROOT / "config" / "mappings" / "ripe-atlas.yaml")
    files = [str(rtt_traces / case["file"]) for case in cases]
    words = ["replay", *files, "--mapping", mapping, "--kafka", kafka.bootstrap, "--topic", topic]

    assert main(words) == 0
    assert "sent" in capsys.readouterr().out
    running = Running(load_configuration(folder), kafka.bootstrap, SystemClock())
    try:
        running.start()
        ends = end_offsets(kafka.bootstrap, topic)
        assert running.node.wait_until(lambda at: all(at.get(p, 0) >= ends[p] for p in ends), 60)
        now_s = SystemClock().now_us() // MICROSECONDS
        # Silent partitions are complete up to now: the last step of each trace is over.
        assert running.node.wait_until(lambda _: least_complete_s(running) > now_s - DAY_S, 60)
        token = Accounts(running.decisions, SystemClock()).create_token("test", Role.ADMIN)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{running.web.port}/api/v1",
            headers={"authorization": f"Bearer {token.secret}"},
        ) as client:
            for name, case in zip(names, cases, strict=True):
                check(running, client, f"RTT-{name}", case)
    finally:
        running.stop()


def least_complete_s(running: Running) -> int:
    with running.telemetry.reader() as cursor:
        return min(stands(cursor).complete_up_to().values())


def check(running: Running, client: httpx.Client, circuit_id: str, case: dict[str, Any]) -> None:
    """Compare a trace's counts in the store, and its percentiles as the API says them."""
    with running.telemetry.reader() as cursor:
        row = cursor.execute(
            """
            select sum(samples), sum(lost_count), min(latency_min_us), min(start_s), max(start_s),
                sum(latency_sum_us) / sum(latency_count)
            from rollups join channels using (channel_key) where circuit_id = ?
            """,
            [circuit_id],
        ).fetchone()
    assert row is not None
    samples, lost, least, first_s, last_s, mean_us = row
    day_s = first_s // DAY_S * DAY_S
    days = (last_s - day_s) // DAY_S + 1
    answer = client.get(
        f"/circuits/{circuit_id}/series",
        params={
            "metric": "latency", "from": iso(day_s), "to": iso(day_s + days * DAY_S),
            "step": days * DAY_S,
        },
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    (channel,) = answer.json()["channels"]
    ((_, _, median, p95),) = channel["points"]

    assert (samples, lost) == (case["n"], case["lost"])
    assert mean_us / 1000 == pytest.approx(case["mean"], abs=0.001)
    assert median == pytest.approx(case["p50"], rel=0.01)
    assert p95 == pytest.approx(case["p95"], rel=0.01)
    if "min" in case:
        assert least / 1000 == pytest.approx(case["min"], abs=0.0005)
