"""Which verdicts changed because of late samples: a real writer, evaluator and ledger."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from linksla.clock import ManualClock
from linksla.inventory import Circuit, Customer, Inventory, Ownership
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.writer import Writer
from sla.contracts import load_contracts
from sla.evaluator import Evaluator, VerdictChange
from sla.ledger import LedgerDay
from sla.queries import Queries
from sla.restatements import Restatements
from sla.scope import AllCustomers, OnlyCustomers
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    numbered,
    poll_of,
    writer_of,
)

CONTRACT = """
id: c
version: 1
title: one channel
source: here
timezone: UTC
availability: {target_percent: 99.99, up_at_least: 1, consecutive: 3}
"""
ALL = AllCustomers(commercial=False)
TODAY = "2025-10-10"
BAD = 1  # a BGP state that is not ESTABLISHED


@dataclass
class Bench:
    """Samples in, verdicts judged after each poll, as a node does."""

    store: TelemetryStore
    writer: Writer
    queries: Queries
    restatements: Restatements
    evaluator: Evaluator
    polls: int = 0
    changes: list[VerdictChange] = field(default_factory=list)

    def send(self, samples: Iterable[Sample], *, append_s: float | None = None) -> None:
        """Write one poll and judge; late ones are appended at `append_s` after midnight."""
        given = list(samples)
        if append_s is not None:
            instant = round((MIDNIGHT + append_s) * US)
            given = [replace(one, append_time_us=instant) for one in given]
        self.writer.write(poll_of(numbered(given, self.polls)))
        self.polls += len(given)
        self.judge()

    def judge(self) -> None:
        self.store.writer.execute("begin")
        changes = self.evaluator.evaluate(["X"])
        self.restatements.note(["X"], changes)
        self.store.writer.execute("commit")
        self.changes += [change for change in changes if change.previous is not None]

    def day(self, day: str = TODAY) -> LedgerDay:
        (found,) = [one for one in self.queries.ledger_days(ALL, "X") if one.day == day]
        return found


@pytest.fixture
def bench_of(memory_store: TelemetryStore, tmp_path: Path) -> Callable[..., Bench]:
    (tmp_path / "c.yaml").write_text(CONTRACT)

    def make(one: Circuit | None = None) -> Bench:
        only = one or circuit(active_from=MIDNIGHT)
        names = {owner.customer for owner in only.owners}
        customers = {name: Customer(id=name, name=name) for name in names}
        queries = Queries(
            memory_store, Inventory(customers, {"X": only}), load_contracts(tmp_path), (),
            TimeSettings(), ManualClock(),
        )  # fmt: skip
        return Bench(
            memory_store, writer_of(memory_store, only), queries,
            Restatements(memory_store, queries),
            Evaluator(memory_store, queries, ManualClock((MIDNIGHT + DAY) * US)),
        )  # fmt: skip

    return make


@pytest.fixture
def bench(bench_of: Callable[..., Bench]) -> Bench:
    """An hour of good samples, ten minutes of it missing from 1,000 s on."""
    made = bench_of()
    made.send(at(s) for s in range(0, 1_000, 10))
    made.send(at(s) for s in range(1_600, 3_600, 10))
    return made


def late(bgp_state: int, *seconds: int) -> list[Sample]:
    return [at(second, bgp_state=bgp_state) for second in range(*seconds)]


def test_late_samples_that_break_the_target_are_the_cause_of_the_verdict(bench: Bench) -> None:
    bench.send(late(BAD, 1_000, 1_600, 10), append_s=3_600)

    day = bench.day()
    (verdict,) = day.verdicts
    assert (day.late, day.duplicate, day.conflicting, day.rejected) == (60, 0, 0, 0)
    assert (verdict.month, verdict.calculation_version, verdict.late) == ("2025-10", 3, 60)
    assert verdict.reason.startswith("availability: breached (was ")


def test_late_samples_that_change_nothing_are_counted_and_blamed_for_nothing(bench: Bench) -> None:
    bench.send(late(6, 1_705, 2_305, 10), append_s=3_600)

    assert bench.day().late == 60
    assert bench.day().verdicts == ()


def test_late_samples_that_fill_a_gap_are_why_a_month_can_be_assessed(bench: Bench) -> None:
    bench.send(late(6, 1_000, 1_600, 10), append_s=3_600)

    (verdict,) = bench.day().verdicts
    assert verdict.reason.startswith("availability: met (was not assessable)")


def test_a_verdict_that_time_changes_is_not_blamed_on_late_samples_beside_it(
    bench: Bench,
) -> None:
    bench.send([*late(6, 1_705, 1_805, 10), *late(BAD, 3_600, 4_500, 10)])

    assert bench.day().late == 10
    assert "breached (was" in bench.changes[-1].reason, "the outage in time broke the target"
    assert bench.day().verdicts == ()


def test_a_correction_in_conflict_that_changes_a_verdict_is_its_cause(bench: Bench) -> None:
    bench.send([at(s, bgp_state=BAD, sequence=9) for s in range(2_000, 2_600, 10)], append_s=3_600)

    day = bench.day()
    (verdict,) = day.verdicts
    assert day.conflicting == 60
    assert verdict.reason.startswith("availability: breached")


def test_what_was_judged_since_the_verdict_was_written_counts_as_judged(bench: Bench) -> None:
    bench.send(at(s) for s in range(3_600, 5_000, 10))
    written = len(bench.changes)
    bench.send([at(s, bgp_state=BAD, sequence=9) for s in range(4_000, 4_900, 10)], append_s=5_000)

    assert written == len(bench.changes) - 1
    assert [(one.late, one.conflicting) for one in bench.day().verdicts] == [(90, 90)]


def test_each_change_has_its_own_samples(bench: Bench) -> None:
    bench.send(late(BAD, 1_000, 1_600, 10), append_s=3_600)
    bench.send([at(s, sequence=9) for s in range(1_000, 1_600, 10)], append_s=3_601)

    first, second = bench.day().verdicts
    assert (first.calculation_version, second.calculation_version) == (3, 4)
    assert "breached (was" in first.reason
    assert "(was breached)" in second.reason
    assert (first.late, first.conflicting) == (60, 0)
    assert (second.late, second.conflicting) == (60, 60)


def test_after_a_restart_the_calculation_that_stood_is_what_late_samples_change(
    bench: Bench,
) -> None:
    bench.restatements = Restatements(bench.store, bench.queries)
    bench.send(late(BAD, 500, 995, 10), append_s=3_600)
    bench.send([at(s, bgp_state=BAD, sequence=9) for s in range(0, 500, 10)], append_s=3_600)

    assert [verdict.calculation_version for verdict in bench.day().verdicts] == [3]


def test_a_day_before_another_s_verdict_is_told_only_to_who_sees_all_of_it(
    bench_of: Callable[..., Bench],
) -> None:
    sold = MIDNIGHT + 1_800
    one = replace(
        circuit(active_from=MIDNIGHT),
        owners=(Ownership(customer="acme", end=sold), Ownership(customer="globex", start=sold)),
    )
    bench = bench_of(one)
    bench.send(at(s) for s in range(0, 1_000, 10))
    bench.send(at(s) for s in range(1_600, 3_600, 10))
    bench.send(late(BAD, 1_000, 1_600, 10), append_s=3_600)

    shown = {
        name: bench.queries.ledger_days(OnlyCustomers(frozenset({name})), "X")
        for name in ("acme", "globex", "nobody")
    }

    assert len(bench.day().verdicts) == 1
    assert [(day.late, day.verdicts) for day in shown["acme"]] == [(60, ())]
    assert shown["nobody"] == ()
