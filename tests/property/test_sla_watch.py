"""Judging only what the Watch names comes to the same, row by row, as judging all after every poll.

Random histories of a few circuits over the end of a month: faults of single channels and of all,
loss, silence, late and repeated samples, windows, a contract version, a price, a channel that comes
and one that goes. At the end both equal a judgement from cold, of all at once and one by one.
"""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from alerts.evaluator import AlarmEvaluator
from alerts.standing import standing_alarms
from linksla.clock import ManualClock
from linksla.inventory import Bandwidth, Channel, Circuit, Customer, Inventory, Ownership, Price
from linksla.meters import Meters
from linksla.model import Poll
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.held import Commits
from processors.transactions import transaction
from processors.writer import Writer
from sla import watched as objectives
from sla import watched_steps
from sla.contracts import load_contracts
from sla.evaluator import Evaluator
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.scope import AllCustomers
from sla.standing import standing_verdicts
from sla.watch import Watch
from tests.unit.processors_support import TOPIC, US, Sample, numbered, poll_of

SEEDS = int(os.environ.get("LINKSLA_WATCH_SEEDS", "2"))
OCTOBER = 1_759_276_800  # 2025-10-01T00:00:00Z
BEGINS, ENDS = OCTOBER - 400, OCTOBER + 800
GRID = 10
TIME = TimeSettings(close_after_seconds=200)
EVERYONE = AllCustomers(commercial=True)

VERSION = """
id: {id}
version: {version}
title: t
source: a test
timezone: UTC
{valid}
availability: {{target_percent: {target}, up_at_least: {k}, consecutive: 3, denominator: {of}}}
objectives:
  - {{name: p95, metric: latency, statistic: p95, limit: 8}}
  - {{name: p50, metric: latency, statistic: p50, limit: 5.5, channels: pooled}}
  - {{name: most, metric: latency, statistic: maximum, limit: 40}}
  - {{name: mean, metric: latency, statistic: mean, limit: 5}}
  - {{name: loss, metric: loss, statistic: mean, limit: 0.01}}
  {more}
  - {{name: jitter, metric: jitter, statistic: mean, limit: 0.5}}
maintenance: {{notice_hours: 1}}
"""


def contracts(folder: Path):
    one = {"id": "one", "target": 99, "k": 1, "of": "measured", "more": ""}
    more = "- {name: rate, metric: throughput_rx, statistic: p5, limit: 3}"
    two = {"id": "two", "target": 99.9, "k": 2, "of": "whole_period", "more": more}
    (folder / "one.yaml").write_text(VERSION.format(version=1, valid="", **one))
    changed = one | {"target": 95}
    valid = "valid_from: 2025-10-01T00:05:00Z"
    (folder / "one2.yaml").write_text(VERSION.format(version=2, valid=valid, **changed))
    (folder / "two.yaml").write_text(VERSION.format(version=1, valid="", **two))
    return load_contracts(folder)


def network(rng: random.Random) -> tuple[Inventory, tuple[MaintenanceWindow, ...]]:
    circuits = {}
    for number in range(3):
        names = [f"ch{n}" for n in range(rng.randint(2, 3))]
        comes, goes = (OCTOBER + rng.randint(-300, 900) for _ in range(2))
        channels = [Channel(name=name) for name in names]
        if rng.random() < 0.4:
            channels.append(Channel(name="comes", active_from=comes))
        if rng.random() < 0.4:
            channels.append(Channel(name="goes", active_to=goes))
        circuits[f"X{number}"] = Circuit(
            id=f"X{number}", owners=(Ownership(customer="acme"),), site="s", region="r",
            contract=rng.choice(["one", "two"]), bandwidth_mbps=1_000, grid_seconds=GRID,
            channels=tuple(channels), active_from=BEGINS - 600,
            active_to=goes if rng.random() < 0.2 else None,
            prices=(
                Price(amount="100", currency="USD"),
                Price(start=comes, amount="200", currency="USD"),
            ),
            bandwidths=(Bandwidth(start=goes, mbps=2_000),),
        )  # fmt: skip
    windows = tuple(
        MaintenanceWindow(
            id=f"W{number}", circuit=f"X{rng.randrange(3)}",
            start=(at := rng.randint(BEGINS, ENDS)), end=at + rng.randint(30, 600),
            announced_at=at - rng.choice([60, 7_200]),
            proposed_by="p", reason="r",
        )
        for number in range(rng.randint(0, 3))
    )  # fmt: skip
    return Inventory({"acme": Customer(id="acme", name="Acme")}, circuits), windows


def stream(rng: random.Random, inventory: Inventory) -> list[list[Sample]]:
    """Return what each poll brings, in the order it comes."""
    calls: list[tuple[int, Sample]] = []
    for one in inventory.circuits.values():
        faults = [
            (at, at + rng.choice([10, 30, 60, 300]), rng.choice(["bgp", "loss", "silent", "slow"]),
             rng.choice([None, *(c.name for c in one.channels)]))
            for at in (rng.randint(BEGINS, ENDS) for _ in range(rng.randint(0, 3)))
        ]  # fmt: skip
        for channel in one.channels:
            starts, ends = one.channel_active(channel)
            for second in range(max(BEGINS, starts), min(ENDS, ends or ENDS), GRID):
                told = {
                    kind
                    for lower, upper, kind, which in faults
                    if lower <= second < upper and which in (None, channel.name)
                }
                if "silent" in told or rng.random() < 0.002:
                    continue
                sample = Sample(
                    circuit_id=one.id, channel=channel.name, observed_at_us=second * US,
                    latency_us=rng.randint(3_000, 6_500) * (10 if "slow" in told else 1),
                    jitter_us=rng.randint(0, 900), rx_bps=rng.randint(2_900_000, 5_000_000),
                    loss_ppm=600_000 if "loss" in told else 0,
                    bgp_state=1 if "bgp" in told else 6,
                )  # fmt: skip
                late = rng.choice([40, 90, 400]) if rng.random() < 0.003 else rng.randint(0, 9)
                calls.append((second + late, sample))
                if rng.random() < 0.003:
                    again = replace(sample, sequence=1, latency_us=rng.randint(3_000, 9_000))
                    calls.append((second + late + rng.choice([5, 200]), again))
    calls.sort(key=lambda call: call[0])
    return cut(rng, calls, (BEGINS, ENDS + 400), [7, 20, 45, 45, 150])


def cut(
    rng: random.Random, calls: Sequence[tuple[int, Sample]], within: tuple[int, int],
    lengths_s: Sequence[int],
) -> list[list[Sample]]:  # fmt: skip
    """Return polls of some of these lengths, one after the other; `calls` in order of arrival."""
    polls: list[list[Sample]] = []
    at, end = within
    while at < end:
        upper = at + rng.choice(lengths_s)
        polls.append([
            replace(sample, append_time_us=come * US)
            for come, sample in calls
            if at <= come < upper
        ])  # fmt: skip
        at = upper
    return polls


def arriving(polls: Sequence[Sequence[Sample]], clock: ManualClock) -> Iterator[Poll]:
    """Yield what comes, poll by poll; it is a second after the newest sample then."""
    offset = 0
    for samples in polls:
        newest = max((one.append_time_us for one in samples), default=clock.now_us())
        clock.move_to(max(clock.now_us(), newest) + US)
        yield poll_of(numbered(samples, offset))
        offset += len(samples)


@dataclass
class Judge:
    """A node's judging parts; with a Watch or without."""

    store: TelemetryStore
    writer: Writer
    queries: Queries
    evaluator: Evaluator
    alarms: AlarmEvaluator
    names: tuple[str, ...]
    watch: Watch | None
    judged: list[tuple[str, ...]] = field(default_factory=list)

    def step(self, poll) -> None:
        written = self.writer.write(poll)
        names = self.names
        if self.watch is not None:
            self.watch.note(written.advance)
            due = self.watch.due(self.store.writer).judge
            names = tuple(sorted({*due, *self.watch.restless()}))  # time passes: a node does it too
        self.judge(names)

    def judge(self, names: tuple[str, ...]) -> None:
        self.judged.append(names)
        if not names:
            return
        known = self.watch.checked_up_to(names) if self.watch else {}
        with transaction(self.store.writer):
            verdicts = self.evaluator.evaluate(names)
            looks = self.evaluator.looks if self.watch else {}
            summaries = {name: look.summary for name, look in looks.items()}
            self.alarms.evaluate(names, verdicts, known, summaries)
        if self.watch is not None:
            self.watch.look(self.evaluator.looks, self.alarms.restless)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return self.store.writer.execute(sql).fetchall()


def judge_of(
    store, inventory, windows, terms, clock, *, watched: bool, remembers: bool | None = None
) -> Judge:
    # With what the writer holds, final months and ended spans are remembered.
    commits = Commits() if (watched if remembers is None else remembers) else None
    writer = Writer(store, inventory, TOPIC, TIME, clock, Meters(), commits=commits)
    started = writer.start()
    queries = Queries(store, inventory, terms, windows, TIME, clock, commits=commits)
    watch = Watch() if watched else None
    if watch is not None:
        watch.note(started.advance)
    alarms = AlarmEvaluator(store, queries, lambda: windows, clock)
    evaluator = Evaluator(store, queries, clock)
    return Judge(store, writer, queries, evaluator, alarms, tuple(inventory.circuits), watch)


VERDICTS = (
    "select circuit_id, month, calculation_version, complete_up_to_s, final, verdicts, reason, "
    "payload from verdict_history order by all"
)
ALARMS = (
    "select circuit_id, type, qualifier, revision, severity, condition, event_at_s, "
    "reported_at_us, reason, payload from alarm_history order by all"
)
OUTBOX = "select sequence, id, subject, type, withheld_reason, payload from outbox order by 1"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_judging_what_the_watch_names_equals_judging_everything(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objectives, "_ROWS_TOGETHER", 1 if seed % 2 else 100_000)
    if seed % 2:  # steps are read, not taken from what was just written
        monkeypatch.setattr(watched_steps, "_HELD_ROWS_MAX", 0)
    rng = random.Random(seed)
    terms = contracts(tmp_path)
    inventory, windows = network(rng)
    polls = stream(rng, inventory)
    clock = ManualClock(BEGINS * US)
    stores = [TelemetryStore(None), TelemetryStore(None)]
    for store in stores:
        store.start()
    watching, full = (
        judge_of(store, inventory, windows, terms, clock, watched=store is stores[0])
        for store in stores
    )
    for judge in (watching, full):  # as a node does when it starts
        judge.judge(judge.names)
    for poll in arriving(polls, clock):
        for judge in (watching, full):
            judge.step(poll)
        for sql in (VERDICTS, ALARMS, OUTBOX):
            assert watching.rows(sql) == full.rows(sql)

    for judge in (watching, full):  # what is remembered of history is what the table holds
        verdicts, alarms = judge.evaluator._standing, judge.alarms._standing
        for known, read in ((verdicts, standing_verdicts()), (alarms, standing_alarms())):
            assert known._known, "remembered, and not read again"
            rows = read.of(judge.store.writer, judge.names)
            assert known.of(judge.store.writer, judge.names) == rows
            assert any(rows.values())

    fresh = Queries(stores[0], inventory, terms, windows, TIME, clock)
    alone = Queries(stores[0], inventory, terms, windows, TIME, clock)
    cold = {
        name: list(look.answers)
        for name, look in fresh.looks(stores[0].writer, inventory.circuits).items()
    }
    for name in inventory.circuits:
        answers = [alone.month(EVERYONE, name, month) for month in alone.months(EVERYONE, name)]
        grown = [watching.queries.month(EVERYONE, name, answer.month) for answer in answers]
        assert answers == cold.get(name, []) == grown
    for store in stores:
        store.close()
