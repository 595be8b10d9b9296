"""Watched objectives against the full judgement: every kind, step by step, on and off the limit."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pytest

from linksla.stores import TelemetryStore
from processors.buckets import bucket_middle_us, bucket_of
from sla.answers import Outcome
from sla.contracts import PerformanceTerms
from sla.looks import Sums
from sla.measures import Observed, Totals
from sla.performance import Asked, judge_performance, read_observed
from sla.telemetry import ChannelRow
from sla.watched import OPAQUE, Rule, WatchedObjectives, rule_of


def terms(metric: str, statistic: str, limit: Any, **more: Any) -> PerformanceTerms:
    return PerformanceTerms(
        name=f"{metric} {statistic}", metric=metric, statistic=statistic, limit=limit, **more
    )


@pytest.mark.parametrize(
    ("asked", "native"),
    [
        (terms("latency", "mean", 8), (8_000, 0)),
        (terms("latency", "maximum", 8), (8_000, 0)),
        (terms("jitter", "mean", "0.5"), (500, 0)),
        (terms("jitter", "maximum", "0.0005"), (Fraction(1, 2), 0)),
        (terms("loss", "mean", "0.001"), (1_000, 0)),
        (terms("latency", "p95", 8), (8_000, Fraction(95, 100))),
        (terms("latency", "p99.5", 8), (8_000, Fraction(995, 1000))),
        (terms("latency", "mean", "1/1000000"), (Fraction(1, 1_000), 0)),
        (terms("latency", "mean", 1_000_000), (10**9, 0)),
        (terms("jitter", "p95", 8), None),
        (terms("loss", "p95", "0.1"), None),
        (terms("throughput_rx", "mean", 8), None),
        (terms("throughput_rx", "mean", 8, bound="at_most"), None),
        (terms("latency", "mean", "1/1001000"), None),
        (terms("latency", "mean", "1000000.001"), None),
    ],
)
@pytest.mark.parametrize("channels", ["worst", "pooled"])
def test_a_rule_is_an_objective_in_whole_numbers_or_opaque(
    asked: PerformanceTerms, native: tuple[Any, Any] | None, channels: Any
) -> None:
    known = {"name": "o", "channels": channels, "bound": asked.bound}
    asked = PerformanceTerms(
        metric=asked.metric, statistic=asked.statistic, limit=asked.limit, **known
    )

    found = rule_of(asked)

    if native is None:
        assert found == OPAQUE
        return
    assert found != OPAQUE
    assert (found.metric, found.limit, found.percentile) == (asked.metric, *native)
    assert found.pooled is (channels == "pooled")
    others = {rule_of(terms("latency", name, 8)).kind for name in ("mean", "maximum", "p95")}
    assert found.kind in others
    assert len(others) == 3


@pytest.mark.parametrize(
    ("limit", "greatest"),
    [
        (0, 0), (Fraction(1, 2), 0), (1, 1), (5, 5), (Fraction(11, 2), 5), (127, 127),
        (128, bucket_of(127)), (129, bucket_of(129)), (130, bucket_of(129)), (131, bucket_of(131)),
        (8_000, None), (10**9, None),
    ],
)  # fmt: skip
def test_the_greatest_bucket_within_a_limit_has_its_middle_there(
    limit: Any, greatest: int | None
) -> None:
    found = Rule(3, "latency", Fraction(limit), Fraction(1, 2), False).bucket_max

    assert bucket_middle_us(found) <= limit < bucket_middle_us(found + 1)
    assert greatest is None or found == greatest


def test_a_rule_starts_with_what_was_observed() -> None:
    one = Observed("a", 3, 60, 40, 2, 4, 50, 30, {5: 1, 6: 4, 9: 7}, 6, 70, 20, {"x": Totals()})

    def start(metric: str, statistic: str, limit: Any) -> tuple[int, int]:
        return rule_of(terms(metric, statistic, limit)).start(one)

    assert start("latency", "mean", 1) == (60, 3)
    assert start("latency", "maximum", 1) == (40, 3)
    assert start("loss", "mean", "0.1") == (50, 4)
    assert start("jitter", "maximum", 1) == (20, 6)
    assert start("latency", "p50", "0.006") == (5, 14)
    assert start("latency", "p50", "0.005") == (1, 14)
    assert OPAQUE.start(one) == (0, 0)


ASKED = (
    (terms("latency", "mean", "0.0505"),),
    (terms("latency", "maximum", "0.098"), terms("loss", "mean", "0.00004")),
    (terms("latency", "p50", "0.05"), terms("latency", "p95", "0.095"),
     terms("jitter", "mean", "0.05")),
    (terms("latency", "p50", "0.05", channels="pooled"), terms("jitter", "maximum", "0.098")),
    (terms("jitter", "mean", "0.0497", channels="pooled"), terms("jitter", "maximum", "0.0995")),
    (terms("latency", "maximum", "0.099", channels="pooled"),
     terms("latency", "mean", "0.05", channels="pooled")),
    (terms("loss", "maximum", "0.000098"), terms("latency", "p50", "0.05")),
    (terms("jitter", "p95", "0.05"), terms("latency", "mean", "0.05")),  # opaque
    (),
)  # fmt: skip
VALUES = (0, 49, 50, 50, 50, 51, 95, 96, 98, 100)  # most of them on a limit or beside it
CODES = {Outcome.MET: 1, Outcome.NOT_ASSESSABLE: 0}


@dataclass
class Watched:
    """A circuit, and what the full judgement said of it last."""

    number: int
    keys: dict[str, int]
    asked: tuple[PerformanceTerms, ...]
    step: int
    complete: int
    seen: tuple[int, ...] = ()
    counted: int = 0
    rows: list[ChannelRow] = field(default_factory=list)

    def begin(self, watch: WatchedObjectives, sums: Sums) -> None:
        self.seen = tuple(CODES.get(one, 2) for one in sums.outcomes)
        self.counted = sums.next_s
        assert watch.begin(self.number, self.keys, self.asked, sums, self.step)


def judged(cursor: duckdb.DuckDBPyConnection, circuits: list[Watched]) -> list[Sums]:
    """Return what the full judgement says of each."""
    ends = [one.complete // one.step * one.step for one in circuits]
    asked = [
        Asked(one.rows, [(0, until)] if until else [], one.step)
        for one, until in zip(circuits, ends, strict=True)
    ]
    return [
        Sums(
            found,
            tuple(judge_performance(each, found, is_open=True).verdict for each in one.asked),
            until,
        )
        for one, found, until in zip(circuits, read_observed(cursor, asked), ends, strict=True)
    ]


PUT = (
    "insert into rollup_parts values (?, ?, 1, ?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?, "
    "0, 0, null, 0, 0, null, ?, ?)"
)


def parts(rng: random.Random, key: int, start: int) -> Iterator[list[Any]]:
    """Yield a rollup step of a channel, in one part or two; some of it missing."""
    for _ in range(rng.choice([1, 1, 2])):
        latencies = [rng.choice(VALUES) for _ in range(rng.choice([0, 1, 1, 2]))]
        jitters = [rng.choice(VALUES) for _ in range(rng.choice([0, 1, 1]))]
        losses = [rng.choice([0, 0, 99, 100]) for _ in range(rng.choice([0, 1, 1]))]
        counts: dict[int, int] = {}
        for value in latencies:
            counts[value] = counts.get(value, 0) + 1
        yield [
            key, start, len(latencies), sum(latencies), max(latencies, default=None),
            rng.choice([0, 0, 0, 1]), len(jitters), sum(jitters), max(jitters, default=None),
            len(losses), sum(losses), max(losses, default=None), list(counts),
            list(counts.values()),
        ]  # fmt: skip


def numbered(watch: WatchedObjectives, circuits: list[Watched]) -> None:
    """Make room for circuits; keys lie as they were registered, not by circuit."""
    circuit_of = np.zeros(1 + max(key for one in circuits for key in one.keys.values()), np.int64)
    for one in circuits:
        for key in one.keys.values():
            circuit_of[key] = one.number
    watch.grow(circuit_of, len(circuits) + 1)


@pytest.mark.parametrize("seed", range(3))
def test_every_change_of_an_outcome_is_told_and_nothing_else(
    memory_store: TelemetryStore, seed: int
) -> None:
    rng = random.Random(seed)
    circuits: list[Watched] = []
    rows: list[list[Any]] = []
    key = 0
    for number in range(1, 19):
        names = [f"ch{at}" for at in range(rng.randint(1, 3))]
        keys = {name: key + at for at, name in enumerate(names, 1)}
        key += len(names)
        step = rng.choice([60, 60, 120])
        asked = ASKED[number % len(ASKED)]
        one = Watched(number, keys, asked, step, rng.choice([0, 0, 130, 600]))
        one.rows = [ChannelRow("C", name, at, 0, None) for name, at in keys.items()]
        circuits.append(one)
        for at in keys.values():
            for start in range(0, 1_800, step):
                rows += parts(rng, at, start) if rng.random() < 0.8 else []
    watch, writer = WatchedObjectives(), memory_store.writer
    writer.executemany(PUT, rows)
    for some in (circuits[:9], circuits[9:]):
        numbered(watch, circuits[: some[-1].number])
        for one, sums in zip(some, judged(writer, some), strict=True):
            one.begin(watch, sums)
    stranger = Watched(19, {"ch1": key + 1}, ASKED[0], 60, 0)  # has room and is never begun
    rows_of_its = [part for start in range(0, 1_200, 60) for part in parts(rng, key + 1, start)]
    writer.executemany(PUT, rows_of_its)
    numbered(watch, [*circuits, stranger])
    told = 0
    for _ in range(6):
        for one in circuits:
            one.complete += rng.choice([0, 30, 60, 100, 200])
        complete = np.array([0, *(one.complete for one in circuits)])
        complete = np.append(complete, 1_200)
        numbers = np.array([one.number for one in circuits if rng.random() < 0.9] + [19])

        changed = watch.changed(writer, numbers, complete).tolist()

        expected = []
        for one, now in zip(circuits, judged(writer, circuits), strict=True):
            if one.number not in numbers or not one.asked:
                continue
            codes = tuple(CODES.get(verdict, 2) for verdict in now.outcomes)
            grown = now.next_s > one.counted
            is_opaque = OPAQUE in [rule_of(each) for each in one.asked]
            if grown and (is_opaque or codes != one.seen):
                expected.append(one.number)
            one.counted = now.next_s
        assert changed == expected
        told += len(changed)
        again = [circuits[number - 1] for number in changed]
        for one, sums in zip(again, judged(writer, again), strict=True):
            one.begin(watch, sums)
    assert told > 15


def test_where_no_circuit_is_there_none_has_changed(memory_store: TelemetryStore) -> None:
    watch = WatchedObjectives()
    watch.grow(np.array([0]), 1)

    assert watch.changed(memory_store.writer, np.zeros(0, np.int64), np.array([0])).tolist() == []
    watch.grow(np.array([0, 1]), 2)
    assert watch.begin(1, {"a": 1}, ASKED[0], Sums((), (Outcome.NOT_ASSESSABLE,), 0), 60)
    assert watch.changed(memory_store.writer, np.array([1]), np.array([0, 600])).tolist() == []


def test_a_circuit_of_which_nothing_is_remembered_cannot_be_watched() -> None:
    watch = WatchedObjectives()
    watch.grow(np.array([0, 1]), 2)

    assert watch.begin(1, {"a": 1}, (), None, 60) is True
    assert watch.begin(1, {"a": 1}, ASKED[0], None, 60) is False
