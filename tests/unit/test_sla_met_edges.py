"""Watched objectives: what is met, what lies within a limit, and how far is read, exactly."""

from fractions import Fraction
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from linksla.sql import statement
from linksla.stores import TelemetryStore
from sla import watched
from sla.answers import Outcome
from sla.looks import Sums
from sla.measures import Observed
from sla.watched import _MAXIMUM, _MEAN, _PERCENTILE, Rule, WatchedObjectives, _compare
from sla.watched_steps import _within
from tests.unit.test_sla_watched_edges import PUT, terms


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def outcomes(rule: Rule, value: Any, count: Any, circuit_of: Any = None) -> list[int]:
    """Return of each circuit 0: nothing observed, 1: met, 2: missed; by default one a channel."""
    of = np.arange(len(value)) if circuit_of is None else whole(*circuit_of)
    found = np.full(int(of.max()) + 1, -1)
    for code in range(3):
        changed = np.zeros(len(found), np.bool_)
        _compare(
            np.arange(len(value)), of, whole(*value), whole(*count), rule.kind, rule.pooled,
            *rule.limit.as_integer_ratio(), *rule.percentile.as_integer_ratio(),
            np.full(len(found), code), changed,
        )  # fmt: skip
        found[~changed] = code
    return found.tolist()


@pytest.mark.parametrize(
    ("kind", "limit", "value", "count", "met"),
    [
        # of a mean the sum is held to limit × count
        (_MEAN, Fraction(101, 2), (100, 101, 102, 1_000, 0), (2, 2, 2, 20, 0), [1, 1, 2, 1, 0]),
        (_MEAN, Fraction(50), (100, 101), (2, 2), [1, 2]),
        (_MAXIMUM, Fraction(101, 2), (50, 51, 0), (9, 9, 0), [1, 2, 0]),
        (_MAXIMUM, Fraction(50), (50, 51), (9, 1), [1, 2]),
    ],
)  # fmt: skip
def test_a_sum_or_a_greatest_value_is_held_to_its_limit(
    kind: int, limit: Fraction, value: Any, count: Any, met: Any
) -> None:
    rule = Rule(kind, "latency", limit, Fraction(0), False)

    assert outcomes(rule, value, count) == met


@pytest.mark.parametrize(
    ("percentile", "within", "count", "met"),
    [
        ("1/2", (1, 1, 2, 0), (2, 3, 3, 0), [1, 2, 1, 0]),
        ("19/20", (18, 19, 19, 20), (20, 20, 21, 21), [2, 1, 2, 1]),
        ("1/1000", (0, 1, 1, 2), (500, 500, 1_000, 1_001), [2, 1, 1, 1]),
    ],
)  # fmt: skip
def test_enough_observations_must_lie_within_the_limit(
    percentile: str, within: Any, count: Any, met: Any
) -> None:
    rule = Rule(_PERCENTILE, "latency", Fraction(50), Fraction(percentile), False)

    assert outcomes(rule, within, count) == met


@pytest.mark.parametrize(
    ("kind", "pooled", "outcome"),
    [
        # of limit 50: the first circuit misses on one of two channels, the second met on both,
        # the third observed one, the last none
        (_MEAN, False, [2, 1, 1, 0]), (_MEAN, True, [1, 1, 1, 0]),
        (_MAXIMUM, False, [2, 2, 2, 0]), (_MAXIMUM, True, [2, 2, 2, 0]),
    ],
)  # fmt: skip
def test_of_several_channels_the_worst_counts_or_all_of_them_together(
    kind: int, pooled: bool, outcome: list[int]
) -> None:
    rule = Rule(kind, "latency", Fraction(50), Fraction(0), pooled)
    value, count = (102, 90, 100, 51, 0, 100, 0, 0), (2, 2, 2, 2, 0, 2, 0, 0)

    assert outcomes(rule, value, count, (0, 0, 1, 1, 2, 2, 3, 3)) == outcome


def test_a_percentile_of_channels_together_is_one_of_all_their_observations() -> None:
    within, count, of = (1, 9, 5, 4), (5, 9, 5, 5), (0, 0, 1, 1)

    def judged(pooled: bool) -> list[int]:
        rule = Rule(_PERCENTILE, "latency", Fraction(50), Fraction(7, 10), pooled)
        return outcomes(rule, within, count, of)

    assert judged(False) == [2, 1]  # 1 of 5 is too few
    assert judged(True) == [1, 1]  # 10 of 14


def test_counts_up_to_the_greatest_bucket_are_added_by_channel() -> None:
    key, ends = whole(2, 0, 1, 2), whole(0, 2, 3, 4, 6)
    bucket, count = whole(4, 7, 5, 1, 5, 6), whole(1, 2, 4, 32, 8, 16)
    inside = np.array([True, True, False, True])

    def within(most: int) -> list[int]:
        return _within(3, key, inside, ends, bucket, count, most).tolist()

    assert [within(most) for most in (3, 4, 5, 6, 7)] == [
        [0, 0, 0], [0, 0, 1], [4, 0, 9], [4, 0, 25], [4, 0, 27],
    ]  # fmt: skip


class Asked(WatchedObjectives):
    """Keeps how far is read each time, and reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[list[int]] = []

    def _held(self) -> Any:
        return np.zeros(len(self._next_s), np.bool_)

    def _advanced(self, due: Any, keys: Any, ends: Any, seen: Any) -> Any:
        self.reached.append(ends[due].tolist())
        self._next_s[due] = ends[due]
        return due[:0]


@pytest.mark.parametrize(
    ("together", "reached"),
    [
        (1_000_000, [[600, 480]]), (30, [[600, 480]]), (29, [[540, 480], [600]]),
        (9, [[180, 360], [360, 480], [600]]),
        (1, [[60, 120], [120, 240], [180, 360], [240, 480], [300], [360], [420], [480], [540],
             [600]]),
    ],
)  # fmt: skip
def test_so_many_steps_are_read_together_and_one_at_least(
    monkeypatch: pytest.MonkeyPatch, together: int, reached: list[list[int]]
) -> None:
    monkeypatch.setattr(watched, "_ROWS_TOGETHER", together)
    watch = Asked()
    watch.grow(whole(0, 1, 1, 2), 3)  # of two channels, and of one
    asked = (terms("latency", "mean", 8),)
    for number, keys, step in ((1, {"a": 1, "b": 2}, 60), (2, {"a": 3}, 120)):
        assert watch.begin(number, keys, asked, Sums((), (Outcome.MET,), 0), step)

    watch.changed(cast(duckdb.DuckDBPyConnection, None), whole(1, 2), whole(0, 659, 599))

    assert watch.reached == reached


def test_a_metric_that_is_no_percentile_is_counted_without_what_was_lost() -> None:
    watch = WatchedObjectives()
    watch.grow(whole(0, 1), 2)
    asked = (terms("loss", "mean", "0.1"), terms("latency", "p50", 8))
    assert watch.begin(1, {"a": 1}, asked, Sums((), (Outcome.MET,) * 2, 0), 60)
    sums = {name: whole(0, value) for name, value in
            (("observed", 5), ("total", 70), ("lost", 2), ("most", 30))}  # fmt: skip

    for slot, kind in enumerate((_MEAN, _PERCENTILE)):
        rule = Rule(kind, "latency", Fraction(1), Fraction(1, 2), False)
        watch._add_slot(whole(1), slot, rule, sums)

    assert watch._count[1].tolist() == [5, 7]
    assert watch._value[1].tolist() == [70, 0]
    most = Rule(_MAXIMUM, "latency", Fraction(1), Fraction(0), False)
    watch._add_slot(whole(1), 0, most, sums)
    assert (watch._value[1, 0], watch._count[1, 0]) == (70, 10)


EMPTY = (0, 0, None)  # count, sum and greatest


def put(
    store: TelemetryStore, start: int, latency: Any = EMPTY, jitter: Any = EMPTY, loss: Any = EMPTY,
    buckets: dict[int, int] | None = None,
) -> None:  # fmt: skip
    known = buckets or {}
    store.writer.execute(
        PUT, [1, start, *latency, 0, *jitter, *loss, list(known), list(known.values())]
    )


@pytest.mark.parametrize(
    ("name", "first", "second"),  # of the step, and of a part of it without an observation
    [
        ("latency", (4, 40, 13, 2), (0, 0, 0, 5)), ("jitter", (6, 60, 17, 0), (0, 0, 0, 0)),
        ("loss", (8, 80, 19, 0), (0, 0, 0, 0)), ("buckets", ([5, 9], [3, 1]), ([], [])),
    ],
)  # fmt: skip
def test_read_are_the_steps_of_the_range_of_those_that_are_watched(
    memory_store, name: str, first: Any, second: Any
) -> None:
    whole_step = (4, 40, 13, 2, 6, 60, 17, 8, 80, 19, [5, 9], [3, 1])
    nothing = (*EMPTY, 5, *EMPTY, *EMPTY, [], [])
    for key in (1, 2, 3, 4):  # 2 lies between those watched, 4 above: a reader has no room for it
        for start in (59, 60, 119, 120):
            memory_store.writer.execute(PUT, [key, start, *whole_step])
    memory_store.writer.execute(PUT, [3, 60, *nothing])
    memory_store.writer.register("watched", pa.table({"channel_key": whole(1, 3)}))
    asked = {"first_s": 60, "last_s": 120}

    found = memory_store.writer.execute(statement("sla", f"watched_{name}"), asked).fetchall()

    assert sorted(found) == sorted(
        [*((key, start, *first) for key in (1, 3) for start in (60, 119)), (3, 60, *second)]
    )


def stirred(store: TelemetryStore, asked: Any, met: Outcome, complete: int = 120) -> bool:
    """Return whether an outcome changes with the steps up to an instant."""
    watch = WatchedObjectives()
    watch.grow(whole(0, 1), 2)
    assert watch.begin(1, {"a": 1}, (asked,), Sums((), (met,), 0), 60)
    return watch.changed(store.writer, whole(1), whole(0, complete)).tolist() == [1]


def test_the_first_step_that_is_read_counts_in_a_percentile(memory_store) -> None:
    for start in (0, 60):
        put(memory_store, start, (1, 5, 5), buckets={5: 1})

    # both of two are within: were one of them lost, 95 % would not be
    assert not stirred(memory_store, terms("latency", "p95", "0.006"), Outcome.MET)
    assert stirred(memory_store, terms("latency", "p95", "0.004"), Outcome.MET)


@pytest.mark.parametrize(
    ("metric", "limit"), [("latency", "0.0005"), ("jitter", "0.0005"), ("loss", "0.0000005")]
)
def test_a_step_without_an_observation_has_no_greatest(
    memory_store, metric: str, limit: str
) -> None:
    put(memory_store, 0, **{metric: (1, 0, 0)})
    put(memory_store, 60)

    # half a unit is the limit, and nothing above 0 was seen
    assert not stirred(memory_store, terms(metric, "maximum", limit), Outcome.MET)
    put(memory_store, 120, **{metric: (1, 1, 1)})
    assert stirred(memory_store, terms(metric, "maximum", limit), Outcome.MET, complete=180)
    assert not stirred(memory_store, terms(metric, "maximum", limit), Outcome.MET, complete=179)


@pytest.mark.parametrize("channels", ["worst", "pooled"])
@pytest.mark.parametrize("statistic", ["mean", "maximum", "p95"])
def test_without_an_observation_nothing_is_met_or_missed(
    memory_store, channels: Any, statistic: str
) -> None:
    put(memory_store, 0)
    asked = terms("latency", statistic, "0.006", channels=channels)

    assert not stirred(memory_store, asked, Outcome.NOT_ASSESSABLE)
    assert stirred(memory_store, asked, Outcome.MET)


def test_sums_stay_with_their_channel_when_another_circuit_asks_more(memory_store) -> None:
    seen = Observed("a", 4, 20, 9, 0, 0, 0, 0, {}, 0, 0, 0, {}, {})
    watch = WatchedObjectives()
    watch.grow(whole(0, 1, 1, 2), 3)
    one = (terms("latency", "mean", "0.005"),)
    assert watch.begin(1, {"a": 1, "b": 2}, one, Sums((seen,), (Outcome.MET,), 0), 60)
    both = (terms("latency", "mean", "0.005"), terms("jitter", "mean", "0.005"))
    assert watch.begin(2, {"a": 3}, both, Sums((seen,), (Outcome.MET,) * 2, 0), 60)

    assert watch._value[:4].tolist() == [[0, 0], [20, 0], [0, 0], [20, 0]]
    assert watch._count[:4].tolist() == [[0, 0], [4, 0], [0, 0], [4, 0]]
    assert watch._outcome[:3].tolist() == [[0, 0], [1, 0], [1, 1]]
