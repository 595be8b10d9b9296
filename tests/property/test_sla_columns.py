"""Judging in columns equals judging run by run: random circuits, all seconds and verdicts."""

import random
from pathlib import Path

import numpy as np
import pytest

from linksla.clock import ManualClock
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.writer import Writer
from sla.cold import month_columns
from sla.contracts import load_contracts
from sla.history import Historian
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from tests.unit.processors_support import TOPIC, US

OCTOBER = 1_759_276_800  # 2025-10-01T00:00:00Z
COMPLETE = OCTOBER + 6_000
CONTRACT = """
id: {id}
version: 1
title: t
source: a test
timezone: UTC
availability:
  {{target_percent: {target}, up_at_least: {k}, consecutive: {n}, denominator: {of},
   coverage_percent_min: {coverage}, loss_threshold: {loss}}}
"""


def contracts(folder: Path, rng: random.Random):
    for number in range(6):
        (folder / f"c{number}.yaml").write_text(
            CONTRACT.format(
                id=f"c{number}", target=rng.choice(["50", "90", "99.9", "99.999"]),
                k=rng.randint(1, 3), n=rng.choice([1, 2, 3, 6]), loss=rng.choice(["0.5", "0.01"]),
                of=rng.choice(["measured", "whole_period"]),
                coverage=rng.choice(["50", "95", "100"]),
            )
        )  # fmt: skip
    return load_contracts(folder)


def circuit_of(rng: random.Random, number: int) -> Circuit:
    grid = rng.choice([10, 60])
    begins = OCTOBER + rng.choice([-3_000, -3_000, 0, 1_234])
    names = [f"ch{n}" for n in range(rng.randint(1, 4))]
    channels = tuple(
        Channel(
            name=name,
            active_from=begins + 2_000 if rng.random() < 0.2 else None,
            active_to=OCTOBER + rng.randint(2_000, 9_000) if rng.random() < 0.2 else None,
        )
        for name in names
    )
    return Circuit(
        id=f"C{number:03}", owners=(Ownership(customer="acme"),), contract=f"c{rng.randrange(6)}",
        site="s", region="r", bandwidth_mbps=1, grid_seconds=grid, channels=channels,
        active_from=begins,
        active_to=OCTOBER + rng.randint(3_000, 9_000) if rng.random() < 0.2 else None,
    )  # fmt: skip


def spans_of(rng: random.Random, grid: int, begins: int, ends: int):
    """Yield pieces of random length and evidence; some are missing."""
    at = begins // grid * grid
    while at < ends:
        upper = min(at + grid * rng.choice([1, 1, 2, 3, 5, 6, 20, 90]), ends)
        kind = rng.choice(["good"] * 5 + ["bgp", "loss", "some", "gap", "silent"])
        bgp = {"bgp": 2, "silent": 0}.get(kind, 1)
        loss = {"loss": 8, "some": 3, "silent": None}.get(kind, 0)
        if kind != "gap":
            yield at, upper, bgp, loss
        at = upper


@pytest.mark.parametrize("seed", range(2))
def test_columns_come_to_the_same_seconds_and_verdicts(
    seed: int, tmp_path: Path, memory_store: TelemetryStore
) -> None:
    rng = random.Random(seed)
    terms = contracts(tmp_path, rng)
    circuits = {one.id: one for one in (circuit_of(rng, number) for number in range(120))}
    inventory = Inventory({"acme": Customer(id="acme", name="Acme")}, circuits)
    clock = ManualClock(COMPLETE * US)
    Writer(memory_store, inventory, TOPIC, TimeSettings(), clock, Meters()).start()
    writer = memory_store.writer
    rows = writer.execute(
        "select channel_key, circuit_id, active_from_s, active_to_s from channels"
    )
    for key, name, begins, ends in rows.fetchall():
        grid = circuits[name].grid_seconds
        stop = min(COMPLETE, COMPLETE if ends is None else -(-ends // grid) * grid)
        for start_s, end_s, bgp, loss in spans_of(rng, grid, begins, stop):
            writer.execute(
                "insert into spans values (?, ?, ?, ?, ?, ?)",
                [key, start_s // 86_400, start_s, end_s, bgp, loss],
            )
    writer.execute("update channel_progress set folded_to_s = ?", [COMPLETE])
    windows = (
        MaintenanceWindow(
            id="W", circuit="C000", start=OCTOBER, end=OCTOBER + 60, announced_at=OCTOBER - 60,
            proposed_by="p", reason="r",
        ),
    )  # fmt: skip
    queries = Queries(memory_store, inventory, terms, windows, TimeSettings(), clock)

    found = month_columns(
        writer, Historian(inventory, terms, windows), circuits.values(), "2025-10"
    )

    assert len(found.circuit_ids) == 119, "all but the one with a window"
    for row, (name, look) in enumerate(queries.looks(writer, found.circuit_ids).items()):
        assert name == found.circuit_ids[row]
        answer = look.answers[-1]
        assert answer.month == "2025-10"
        assert found.seconds(row) == answer.seconds
        assert int(found.judged.nominal.bad_but_not_down[row]) == answer.bad_but_not_down_seconds
        assert found.verdict(row) is answer.objectives[0].verdict
    assert len(np.unique(found.outcome)) >= 3, "the verdicts differ"
