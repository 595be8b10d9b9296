"""What is remembered of the past changes no verdict, however late samples come.

Random histories over a midnight that ends a month: outages, silence, and many samples that come
after the month is final. After every poll the store of an evaluator that remembers final months and
ended spans holds the same verdicts as one that reads and judges everything each time.
"""

import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linksla.clock import ManualClock
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership
from linksla.stores import TelemetryStore
from sla import telemetry
from sla.remembered_spans import RememberedSpans
from sla.spans import ReadSpans
from tests.property import test_sla_watch as watching
from tests.unit.processors_support import US, Sample

SEEDS = int(os.environ.get("LINKSLA_PAST_SEEDS", "4"))
OCTOBER, GRID = watching.OCTOBER, watching.GRID
BEGINS, ENDS = OCTOBER - 300, OCTOBER + 900


def network(rng: random.Random) -> Inventory:
    circuits = {
        name: Circuit(
            id=name, owners=(Ownership(customer="acme"),), site="s", region="r",
            contract=rng.choice(["one", "two"]), bandwidth_mbps=1_000, grid_seconds=GRID,
            channels=(Channel(name="a"), Channel(name="b")), active_from=BEGINS - 600,
        )
        for name in ("X", "Y")
    }  # fmt: skip
    return Inventory({"acme": Customer(id="acme", name="Acme")}, circuits)


def stream(rng: random.Random, inventory: Inventory) -> list[list[Sample]]:
    """Return what each poll brings: one sample in fifty comes when its month may be final."""
    calls = []
    for name in inventory.circuits:
        faults = [
            (at := rng.randint(BEGINS, ENDS), at + rng.choice([30, 60, 200]))
            for _ in range(rng.randint(0, 3))
        ]
        for channel in "ab":
            for second in range(BEGINS, ENDS, GRID):
                down = any(lower <= second < upper for lower, upper in faults)
                sample = Sample(
                    circuit_id=name, channel=channel, observed_at_us=second * US,
                    latency_us=rng.randint(3_000, 6_500), bgp_state=1 if down else 6,
                )  # fmt: skip
                late = rng.randint(300, 900) if rng.random() < 0.02 else rng.randint(0, 9)
                calls.append((second + late, sample))
                if rng.random() < 0.01:  # and says something else
                    again = replace(sample, sequence=1, bgp_state=rng.choice([1, 6]))
                    calls.append((second + rng.randint(300, 900), again))
    calls.sort(key=lambda call: call[0])
    return watching.cut(rng, calls, (BEGINS, ENDS + 400), [20, 45, 45, 150])


def spans_of(found: ReadSpans) -> list[tuple[int, ...]]:
    return sorted(zip(*found.table.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_who_remembers_the_past_comes_to_the_same_verdicts(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    inventory, terms = network(rng), watching.contracts(tmp_path)
    clock = ManualClock(BEGINS * US)
    stores = [TelemetryStore(None), TelemetryStore(None)]
    for store in stores:
        store.start()
    remembering, reading = (
        watching.judge_of(
            store, inventory, (), terms, clock, watched=False, remembers=store is stores[0]
        )
        for store in stores
    )
    spans, left_out, late = RememberedSpans(), 0, 0
    for poll in watching.arriving(stream(rng, inventory), clock):
        for judge in (remembering, reading):
            judge.step(poll)
        assert remembering.rows(watching.VERDICTS) == reading.rows(watching.VERDICTS)
        answered, every = (
            sum(len(look.answers) for look in judge.evaluator.looks.values())
            for judge in (remembering, reading)
        )
        left_out += every - answered
        late += every == answered == 2 * len(inventory.circuits)
        check_spans(remembering, spans, rng.sample(["X", "Y"], rng.randint(1, 2)))

    assert left_out > 10, "final months are left out"
    assert late > 0, "and judged again when a sample comes late"
    for store in stores:
        store.close()


def check_spans(judge: watching.Judge, spans: RememberedSpans, names: list[str]) -> None:
    """Spans as remembered are those that the table holds, merged."""
    cursor = judge.store.writer
    held = judge.queries._commits.shown_by(cursor)
    assert held is not None
    channels = telemetry.channels(cursor, names, held)
    complete = telemetry.complete_up_to(cursor, names, held)
    keys = sorted(one.channel_key for some in channels.values() for one in some)
    found = spans.of(cursor, channels, complete, held)
    assert spans_of(found) == spans_of(ReadSpans.of(cursor, keys).merged())
    assert np.all(np.diff(keys) > 0)
