"""Percentiles of jitter, loss and throughput through everything: file → Kafka → DuckDB → API."""

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.configuration import load_configuration
from cli.main import main
from cli.wiring import Running
from dashboards.accounts import Accounts, Role
from ingest.topics import end_offsets
from linksla.clock import SystemClock, iso, parse_instant
from sla.statistics import nearest_rank

STARTS = parse_instant("2026-05-04T00:00:00Z")
MINUTES = 2 * 1_440
INVENTORY = """
customers: [{id: acme, name: Acme}]
circuits:
  - id: X
    owners: [{customer: acme}]
    contract: c
    site: s
    region: r
    bandwidth_mbps: 1000
    grid_seconds: 60
    active_from: 2026-05-04T00:00:00Z
    channels: [{name: ch1}]
    jitter_kind: pdv
"""
CONTRACT = """
id: c
version: 1
title: T
source: here
timezone: UTC
availability: {target_percent: 95, up_at_least: 1, consecutive: 3}
objectives:
  - {name: jitter, metric: jitter, statistic: p99.7, limit: 100, jitter_kind: pdv}
  - {name: loss, metric: loss, statistic: p90, limit: 0.5}
  - {name: capacity, metric: throughput_rx, statistic: p5, limit: 0.1, relative_to_bandwidth: true}
"""


@pytest.mark.kafka
def test_what_the_api_says_is_within_the_bound_of_the_exact_percentile(
    kafka: Any, tmp_path: Path
) -> None:
    rng = random.Random(5)
    rows = [
        (round(rng.lognormvariate(1, 1), 3), rng.choice([0, 0, 0.001, 0.02]),
         rng.randrange(10**8, 10**9))
        for _ in range(MINUTES)
    ]  # fmt: skip
    csv = tmp_path / "x.csv"
    csv.write_text(
        "circuit_id,channel,observed_at,interval_ms,latency_ms,jitter_ms,loss_ratio,rx_bps,"
        "bgp_state\n"
        + "".join(
            f"X,ch1,{iso(STARTS + 60 * number)},60000,5,{jitter},{loss},{rx},ESTABLISHED\n"
            for number, (jitter, loss, rx) in enumerate(rows)
        )
    )
    topic = kafka.new_topic()
    folder = tmp_path / "config"
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "c.yaml").write_text(CONTRACT)
    (folder / "inventory.yaml").write_text(INVENTORY)
    (folder / "linksla.yaml").write_text(f"kafka: {{topic: {topic}}}\nweb: {{port: 0}}\n")

    assert main(["replay", str(csv), "--kafka", kafka.bootstrap, "--topic", topic]) == 0
    running = Running(load_configuration(folder), kafka.bootstrap, SystemClock())
    try:
        running.start()
        ends = end_offsets(kafka.bootstrap, topic)
        assert running.node.wait_until(lambda at: all(at.get(p, 0) >= ends[p] for p in ends), 60)
        token = Accounts(running.decisions, SystemClock()).create_token("test", Role.ADMIN)
        answer = httpx.get(
            f"http://127.0.0.1:{running.web.port}/api/v1/circuits/X/months/2026-05",
            headers={"authorization": f"Bearer {token.secret}"},
        ).json()
    finally:
        running.stop()

    found = {one["name"]: one for one in answer["objectives"]}
    for name, column, percentile, scale in (
        ("jitter", 0, "99.7", 1), ("loss", 1, "90", 1), ("capacity", 2, "5", 10**9),
    ):  # fmt: skip
        n = found[name]["observations"]
        assert n >= MINUTES - 2, "all but what is not complete yet"
        exact = nearest_rank([Fraction(str(row[column])) for row in rows[:n]], Fraction(percentile))
        assert exact is not None
        assert float(found[name]["actual"]) == pytest.approx(float(exact / scale), rel=1 / 100)
    assert "Measured is PDV" in found["jitter"]["reason"]
