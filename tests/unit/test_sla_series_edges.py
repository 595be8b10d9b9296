"""Charts: which steps a range has, whose they are, and what each says."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from linksla.errors import UsageError
from processors.runs import Runs
from sla.contracts import PerformanceTerms
from sla.measured import Bins, Lines
from sla.periods import Ownership
from sla.readings import Readings
from sla.series import METRICS, SeriesAsked, _limit, _line, _pieces, checked, read_series, source_of
from sla.spans import ReadSpans
from sla.telemetry import ChannelRow
from tests.unit.past_bench import JUNE, ONE
from tests.unit.told_bench import circuit, facts

HOUR = 3_600
NAN = float("nan")


def steps(start: int, end: int, step: int, grid: int = 10) -> tuple[int, int, int, int]:
    found = checked(circuit(grid_seconds=grid), "latency", JUNE + start, JUNE + end, step)
    return found.start_s - JUNE, found.end_s - JUNE, found.step_s, found.points


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((0, 600, 60), (0, 600, 60, 10)), ((59, 601, 1), (0, 601, 60, 11)),
        ((60, 600, 61), (60, 600, 120, 5)), ((61, 600, 120), (60, 600, 120, 5)),
        ((HOUR - 1, 3 * HOUR, HOUR), (0, 3 * HOUR, HOUR, 3)),
        ((HOUR + 1, 3 * HOUR, HOUR - 1), (HOUR, 3 * HOUR, HOUR, 2)),
        ((HOUR + 60, 3 * HOUR, 2 * HOUR), (HOUR, 3 * HOUR, 2 * HOUR, 1)),
        ((HOUR + 60, 3 * HOUR, HOUR // 2), (HOUR + 60, 3 * HOUR, HOUR // 2, 4)),
        ((5, 6, 1), (0, 6, 60, 1)), ((0, 600_000, 60), (0, 600_000, 60, 10_000)),
    ],
)  # fmt: skip
def test_a_range_is_cut_in_whole_rollup_steps(asked: Any, found: Any) -> None:
    assert steps(*asked) == found


def test_a_grid_longer_than_a_minute_is_the_least_step() -> None:
    assert steps(0, 1_000, 1, grid=300) == (0, 1_000, 300, 4)
    assert steps(301, 1_000, 301, grid=300) == (300, 1_000, 600, 2)
    # a step of two hours holds no whole one of a grid of three
    assert steps(2 * HOUR, 9 * HOUR, HOUR, grid=3 * HOUR) == (0, 9 * HOUR, 3 * HOUR, 3)


@pytest.mark.parametrize(
    ("start", "end", "step", "said"),
    [
        (0, 0, 60, "range is empty"), (5, 4, 60, "range is empty"), (0, 60, 0, "step below 1 s"),
        (0, 600_001, 60, "10,001 points are more than 10,000"),
    ],
)  # fmt: skip
def test_a_range_that_makes_no_chart_is_refused(start: int, end: int, step: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        steps(start, end, step)


def test_the_least_step_is_said_that_makes_few_enough_points() -> None:
    with pytest.raises(UsageError) as caught:
        steps(0, 600_001, 60)
    assert caught.value.hint == "Ask a step of 120 s or more."
    with pytest.raises(UsageError) as caught:
        steps(0, 60 * 86_400, 60)  # 519 s would do
    assert caught.value.hint == "Ask a step of 540 s or more."
    with pytest.raises(UsageError, match="there is no metric 'speed'"):
        checked(circuit(), "speed", 0, 60, 60)


def test_a_step_belongs_to_who_owned_the_circuit_at_its_start() -> None:
    owns = [Ownership("a", 30, 130), Ownership("a", 200, 260), Ownership("a", 600, 700)]

    assert _pieces(owns, Bins(0, 600, 60), 60) == ((60, 130), (240, 260))
    assert _pieces(owns, Bins(60, 250, 60), 60) == ((60, 130), (240, 250))
    assert _pieces([Ownership("a", 60, 120)], Bins(0, 600, 60), 60) == ((60, 120),)


EST, NOT, UNKNOWN = 1, 2, 0
ROWS = [
    (1, 0, 30, EST, 0), (1, 30, 60, NOT, 0), (1, 60, 80, UNKNOWN, 0), (1, 80, 100, EST, 0),
    (1, 110, 130, NOT, 0), (2, 0, 240, EST, 0), (3, 0, 120, NOT, 5),
]  # fmt: skip


def shares(
    owns: list[Ownership], start: int = 0, end: int = 240, step: int = 60, *, known: Any = None
) -> dict[str, list[float]]:
    source = ReadSpans.each(Runs(*np.array(ROWS, np.int64).T), np.zeros(len(ROWS), np.uint64))
    channels = known or [
        ChannelRow("C", "a", 1, 0, None), ChannelRow("C", "b", 2, 0, 240),
        ChannelRow("C", "c", 3, 0, 120),
    ]  # fmt: skip
    asked = SeriesAsked("bgp", start, end, step)
    found = read_series(source, circuit(), ONE, channels, owns, asked)
    assert found.unit == "share established"
    assert (list(found.starts_s), found.limit, found.limit_label) == (
        list(range(start, end, step)), None, "",
    )  # fmt: skip
    for one in found.lines:
        np.testing.assert_array_equal(one.low, one.high)
    return {one.channel: one.middle.tolist() for one in found.lines}


ALWAYS = [Ownership("a", 0, 10_000)]


def test_the_share_established_is_of_the_seconds_whose_state_is_known() -> None:
    found = shares(ALWAYS)

    np.testing.assert_array_equal(found["a"], [0.5, 20 / 30, 0.0, NAN])
    np.testing.assert_array_equal(found["b"], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(found["c"], [0.0, 0.0, NAN, NAN])
    np.testing.assert_array_equal(shares(ALWAYS, 20, 115, 50)["a"], [10 / 40, 20 / 25])
    np.testing.assert_array_equal(shares(ALWAYS, 39, 159, 60)["a"], [19 / 40, 1 / 21])
    np.testing.assert_array_equal(shares(ALWAYS, 99, 101, 2)["a"], [1.0])
    mixed = [ChannelRow("C", name, key, 0, None) for name, key in (("c", 3), ("a", 1), ("b", 2))]
    assert {name: one[0] for name, one in shares(ALWAYS, known=mixed).items()} == {
        "a": 0.5, "b": 1.0, "c": 0.0,
    }  # fmt: skip


def test_only_seconds_of_the_own_time_count() -> None:
    mine = [Ownership("a", 10, 40), Ownership("a", 90, 120)]

    np.testing.assert_array_equal(shares(mine)["a"], [20 / 30, 10 / 20, NAN, NAN])
    np.testing.assert_array_equal(shares(mine, 10, 40, 30)["a"], [20 / 30])


def test_channels_are_those_active_in_the_range() -> None:
    def names(*known: tuple[int, int | None]) -> list[str]:
        rows = [ChannelRow("C", f"{n}", n, *one) for n, one in enumerate(known, 1)]
        return list(shares(ALWAYS, 60, 120, 60, known=rows))

    assert names((0, None), (0, 60), (0, 61)) == ["1", "3"]
    assert names((119, None), (120, None), (60, 120)) == ["1", "3"]


def test_a_line_is_in_the_units_of_its_metric_and_a_stranger_has_none() -> None:
    lines = Lines(np.array([7]), *(np.array([[one, NAN]]) for one in (1.0, 2.0, 3.0)))
    asked = SeriesAsked("latency", 0, 120, 60)
    mine, other = (
        _line(lines, ChannelRow("C", "a", key, 0, None), asked) for key in (7, 8)
    )  # fmt: skip

    np.testing.assert_allclose(mine.low, [0.001, NAN])
    np.testing.assert_allclose(mine.middle, [0.002, NAN])
    np.testing.assert_allclose(mine.high, [0.003, NAN])
    for line in (other.low, other.middle, other.high):
        np.testing.assert_array_equal(line, [NAN, NAN])
    scales = {name: one.scale for name, one in METRICS.items()}
    assert scales == {"latency": 1e-3, "jitter": 1e-3, "loss": 1e-6, "throughput_rx": 1.0,
                      "throughput_tx": 1.0, "bgp": 1.0}  # fmt: skip


def test_the_contracts_first_line_on_a_metric_is_drawn_in() -> None:
    def objective(name: str, metric: Any, limit: str) -> PerformanceTerms:
        return PerformanceTerms(name=name, metric=metric, statistic="mean", limit=limit)

    contract = replace(ONE, objectives=(
        objective("worst loss", "loss", "0.01"), objective("rtt", "latency", "8.5"),
        objective("rtt p", "latency", "9"), objective("rx", "throughput_rx", "5"),
    ))  # fmt: skip

    assert _limit(contract, METRICS["latency"]) == ("rtt ≤ 8.5 ms", float(Fraction(17, 2)))
    assert _limit(contract, METRICS["jitter"]) == ("", None)
    assert _limit(contract, METRICS["throughput_rx"]) == ("", None)
    assert _limit(ONE, METRICS["latency"]) == ("", None)


def test_a_metric_is_read_from_what_a_page_has_read_or_from_the_table(memory_store) -> None:
    one, cursor = circuit(), memory_store.writer
    known = replace(facts(), readings={})

    channels, readings = source_of(cursor, known, None, one, "latency")
    assert [row.channel for row in channels] == ["a"]
    assert source_of(cursor, known, None, one, "jitter")[1] is readings
    assert source_of(cursor, None, None, one, "bgp") == ((), cursor)
    assert source_of(cursor, None, None, one, "latency")[0] == ()
    assert source_of(cursor, known, None, one, "bgp")[0] == channels


def test_what_was_measured_is_read_of_the_own_steps(memory_store) -> None:
    row = [1, 120, 1, 0, 0, 0, 0, 0, 2, 3_000, 2_000, 0, 0, -1, 0, 0, -1, 0, 0, -1, [], []]
    for start, total in ((120, 3_000), (180, 5_000), (240, 9_000)):
        row[1], row[9] = start, total
        memory_store.writer.execute(f"insert into rollup_parts values ({', '.join('?' * 22)})", row)
    asked = SeriesAsked("jitter", 60, 300, 120)
    source = Readings(memory_store.writer, (1,), 60)
    channels = [ChannelRow("C", "a", 1, 0, None)]

    def middles(own: Ownership) -> list[float]:
        found = read_series(source, circuit(), ONE, channels, [own], asked)
        assert (found.metric, found.unit, list(found.starts_s)) == ("jitter", "ms", [60, 180])
        return found.lines[0].middle.tolist()

    assert middles(Ownership("a", 0, 10_000)) == [1.5, 3.5]
    assert middles(Ownership("a", 170, 240)) == pytest.approx([NAN, 2.5], nan_ok=True)
