"""Circuits that go on being bad are left alone, and it comes to the same as judging all of them.

Random histories of onsets, recoveries, flapping, loss, single channels, windows, a contract version
and a month's end: after every poll the store holds the same rows as one whose circuits are all
judged after every poll, and what fresh queries say is what stands in it.
"""

import os
import random
from pathlib import Path

import pytest

from linksla.clock import ManualClock, iso
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership
from linksla.stores import TelemetryStore
from sla.answers import Outcome
from sla.contracts import load_contracts
from sla.evaluator import canonical
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from tests.property import test_sla_watch as watching
from tests.unit.processors_support import US, Sample, numbered, poll_of

SEEDS = int(os.environ.get("LINKSLA_STEADY_SEEDS", "3"))
OCTOBER, GRID = watching.OCTOBER, 10
TARGETS = (99, 99.9, 99.97, 99.99, 99.999)
CONTRACT = """
id: c{number}
version: {version}
title: t
source: a test
timezone: UTC
{valid}
availability:
  {{target_percent: {target}, up_at_least: {k}, consecutive: {n}, denominator: {of},
    coverage_percent_min: {coverage}}}
objectives:
  - {{name: mean, metric: latency, statistic: mean, limit: 5}}
  - {{name: loss, metric: loss, statistic: mean, limit: 0.02}}
{outages}
maintenance: {{notice_hours: 1}}
"""


def contracts(rng: random.Random, folder: Path, changes: int):
    for number in range(4):
        terms = {
            "number": number, "target": rng.choice(TARGETS), "k": rng.randint(1, 2),
            "n": rng.choice([3, 4, 8]), "of": rng.choice(["measured", "whole_period"]),
            "outages": "outages: {longest_seconds_max: 120}" if rng.random() < 0.2 else "",
            "coverage": rng.choice([30, 60, 95]),
        }  # fmt: skip
        (folder / f"{number}.yaml").write_text(CONTRACT.format(version=1, valid="", **terms))
        if number == 0:
            later = terms | {"target": rng.choice(TARGETS)}
            valid = f"valid_from: {iso(changes)}"
            text = CONTRACT.format(version=2, valid=valid, **later)
            (folder / f"{number}b.yaml").write_text(text)
    return load_contracts(folder)


def network(rng: random.Random, begins: int) -> Inventory:
    """Return circuits that were not measured for some time at first."""
    circuits = {
        f"X{number}": Circuit(
            id=f"X{number}", owners=(Ownership(customer="acme"),), site="s", region="r",
            contract=f"c{number}", bandwidth_mbps=1_000, grid_seconds=GRID,
            channels=tuple(Channel(name=f"ch{n}") for n in range(2 + number % 2)),
            active_from=begins - rng.choice([40, 7_200]),
        )
        for number in range(4)
    }  # fmt: skip
    return Inventory({"acme": Customer(id="acme", name="Acme")}, circuits)


def bad_times(rng: random.Random, begins: int, ends: int) -> list[tuple[int, int]]:
    """Return when something is bad: once for long, or again and again."""
    at, found = begins + rng.randint(60, 300), []
    shortest, longest = rng.choice([(10, 60), (10, 60), (60, 400), (300, 900)])
    while at < ends:
        upper = at + rng.randint(shortest, longest) // GRID * GRID
        found.append((at, upper))
        at = upper + rng.randint(shortest, longest)
    return found


def stream(rng: random.Random, inventory: Inventory, begins: int, ends: int) -> list[list[Sample]]:
    """Return what each poll brings: faults of one channel or several, each with its own times."""
    calls: list[tuple[int, Sample]] = []
    for one in inventory.circuits.values():
        common = bad_times(rng, begins, ends)
        kind = rng.choice(["bgp", "bgp", "loss"])
        for channel in one.channels:
            mine = common if rng.random() < 0.75 else bad_times(rng, begins, ends)
            mine = [] if rng.random() < 0.1 else mine
            skewed = rng.choice([0, 0, GRID])
            late = rng.randint(0, 9)
            for second in range(begins, ends, GRID):
                if rng.random() < 0.001:
                    continue
                bad = any(lower <= second - skewed < upper for lower, upper in mine)
                sample = Sample(
                    circuit_id=one.id, channel=channel.name, observed_at_us=second * US,
                    latency_us=rng.randint(3_000, 6_000),
                    loss_ppm=700_000 if bad and kind == "loss" else 0,
                    bgp_state=1 if bad and kind == "bgp" else 6,
                )  # fmt: skip
                odd = rng.choice([40, 90]) if rng.random() < 0.002 else late
                calls.append((second + odd, sample))
    calls.sort(key=lambda call: call[0])
    return watching.cut(rng, calls, (begins, ends + 120), [10, 10, 10, 20, 50])


def windows(rng: random.Random, begins: int, ends: int) -> tuple[MaintenanceWindow, ...]:
    return tuple(
        MaintenanceWindow(
            id=f"W{number}", circuit=f"X{rng.randrange(4)}",
            start=(at := rng.randint(begins, ends)), end=at + rng.randint(30, 300),
            announced_at=at - rng.choice([60, 7_200]), proposed_by="p", reason="r",
        )
        for number in range(rng.randint(0, 2))
    )  # fmt: skip


class Both:
    """Two nodes on the same samples: one asks its Watch, the other judges all."""

    def __init__(self, seed: int, folder: Path) -> None:
        rng = random.Random(seed)
        begins = OCTOBER - rng.choice([300, 1_000, 5_000])
        ends = begins + 1_000
        self.inventory = network(rng, begins)
        self.terms = contracts(rng, folder, begins + rng.randint(0, 1_000))
        self.windows = windows(rng, begins, ends) if rng.random() < 0.5 else ()
        self.polls = stream(rng, self.inventory, begins, ends)
        self.clock = ManualClock(begins * US)
        self.stores = [TelemetryStore(None), TelemetryStore(None)]
        for store in self.stores:
            store.start()
        self.watch, self.full = (
            watching.judge_of(
                store, self.inventory, self.windows, self.terms, self.clock,
                watched=store is self.stores[0],
            )
            for store in self.stores
        )  # fmt: skip
        for judge in (self.watch, self.full):
            judge.judge(judge.names)
        self.offset = 0

    def step(self, samples: list[Sample]) -> None:
        poll = poll_of(numbered(samples, self.offset))
        self.offset += len(samples)
        newest = max((one.append_time_us for one in samples), default=self.clock.now_us())
        self.clock.move_to(max(self.clock.now_us(), newest) + US)
        for judge in (self.watch, self.full):
            judge.step(poll)

    def left_alone(self) -> tuple[int, int]:
        """Return how many circuits that are down were not judged after the last poll.

        And how many of which too little was measured for a verdict.
        """
        judged, looks = self.watch.judged[-1], self.full.evaluator.looks
        alone = [look for name, look in looks.items() if name not in judged]
        unknown = Outcome.NOT_ASSESSABLE
        return (
            sum(look.summary.state == "down" for look in alone),
            sum(
                look.answers[-1].objectives[0].verdict is unknown for look in alone if look.answers
            ),
        )

    def close(self) -> None:
        for store in self.stores:
            store.close()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_circuits_left_alone_come_to_what_judging_all_of_them_does(
    seed: int, tmp_path: Path
) -> None:
    both = Both(seed, tmp_path)
    down = undecided = 0
    for number, samples in enumerate(both.polls):
        both.step(samples)
        alone = both.left_alone()
        down, undecided = down + alone[0], undecided + alone[1]
        for sql in (watching.VERDICTS, watching.ALARMS, watching.OUTBOX):
            assert both.watch.rows(sql) == both.full.rows(sql), number
        if number % 8 == 0:  # what was not judged again is what a fresh mind would say
            stands = {
                (circuit, month): verdicts
                for circuit, month, _, verdicts in both.watch.rows(
                    "select circuit_id, month, calculation_version, verdicts from verdict_history "
                    "order by calculation_version"
                )
            }
            fresh = Queries(
                both.stores[0], both.inventory, both.terms, both.windows, watching.TIME, both.clock
            )
            looks = fresh.looks(both.stores[0].writer, both.inventory.circuits)
            said = {
                (name, answer.month): canonical(answer)
                for name, look in looks.items()
                for answer in look.answers
            }
            assert said == stands
    judged = sum(len(names) for names in both.watch.judged)
    if seed == 0:
        assert down > 10, "no outage went on by itself: this proves nothing"
    if seed == 1:
        assert undecided > 10, "nobody waited for enough to be measured: this proves nothing"
    assert judged < sum(len(names) for names in both.full.judged)
    both.close()
