"""Contracts' unit tests: what a file may say, what is written for a case, and what is compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linksla.errors import ConfigError
from sla.answers import MonthAnswer, Outcome, Seconds
from sla.trials import (
    Expected,
    ExpectedSeconds,
    _stretches,
    differences,
    load_trial,
    run_case,
)
from tests.unit.past_bench import DAY, DOWN, JULY, JUNE, MIDDLE, Past
from tests.unit.trial_support import trial


def found(folder: Path, case: str = "", circuit: str = "grid_seconds: 60") -> MonthAnswer:
    one = trial(folder, case, circuit)
    return run_case(one, one.cases[0])


def a_case(runs: str = "G*", more: str = "", channel: str = "a") -> str:
    return f'{{name: it, month: 2026-06, channels: {{{channel}: "{runs}"}}, {more} expect: {{}}}}'


@pytest.mark.parametrize("runs", ["''", "'  '", "X5", "G5 X5", "X5 G5", "G5x", "G"])
def test_what_is_no_run_is_refused(tmp_path: Path, runs: str) -> None:
    with pytest.raises(ConfigError, match="write runs such as"):
        trial(tmp_path, a_case("RUNS").replace('"RUNS"', runs))


@pytest.mark.parametrize("runs", ["G* B60", "G5 G* B60", "G* G5 B60"])
def test_only_the_last_run_may_be_the_rest_of_the_month(tmp_path: Path, runs: str) -> None:
    with pytest.raises(ConfigError, match="only the last run"):
        trial(tmp_path, a_case(runs))


def test_a_run_may_be_alone_and_the_last_of_several_the_rest(tmp_path: Path) -> None:
    for runs in ("G*", "G5", "G5 B5 G*"):
        assert trial(tmp_path, a_case(runs)).cases[0].channels == {"a": runs}


def test_a_number_is_compared_as_it_is_printed_and_a_truth_is_none(tmp_path: Path) -> None:
    case = a_case().replace("expect: {}", "expect: {availability: 100, credit_amount: 9.50}")
    expected = trial(tmp_path, case).cases[0].expect

    assert (expected.availability, expected.credit_amount) == ("100", "9.50")
    with pytest.raises(ConfigError):
        trial(tmp_path, a_case().replace("expect: {}", "expect: {availability: true}"))
    with pytest.raises(ConfigError):
        trial(tmp_path, a_case().replace("expect: {}", "expect: {availability: [1]}"))


def test_a_case_measures_its_own_channels_only(tmp_path: Path) -> None:
    for metric in ("latency_ms", "jitter_ms", "loss", "rx_mbps", "tx_mbps"):
        assert trial(tmp_path, a_case("G*", f"{metric}: {{a: 5x*}},"))
        with pytest.raises(ConfigError, match="channels that it does not have"):
            trial(tmp_path, a_case("G*", f"{metric}: {{b: 5x*}},"))
    with pytest.raises(ConfigError, match="channels that it does not have"):
        trial(tmp_path, "{name: it, month: 2026-06, channels: {}, expect: {}}")
    with pytest.raises(ConfigError):
        trial(tmp_path, " ")  # no case at all


def test_a_circuit_has_a_gigabit_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert trial(tmp_path).circuit.bandwidth_mbps == 1_000
    least = trial(tmp_path, circuit="grid_seconds: 60, bandwidth_mbps: 1").circuit
    assert least.bandwidth_mbps == 1
    with pytest.raises(ConfigError):
        trial(tmp_path, circuit="grid_seconds: 60, bandwidth_mbps: 0")


def test_runs_begin_with_the_month_or_where_the_circuit_does(tmp_path: Path) -> None:
    ten_down = a_case("B10 G*")
    late = found(tmp_path, ten_down, "grid_seconds: 60, active_from: 2026-06-03T00:00:00Z")
    early = found(tmp_path, ten_down, "grid_seconds: 60, active_from: 2026-05-03T00:00:00Z")

    assert late.seconds == Seconds(28 * DAY - 600, 600, 0, 0)
    assert late.outages[0].start_s == JUNE + 2 * DAY
    assert early.seconds == Seconds(30 * DAY - 600, 600, 0, 0)
    assert early.outages[0].start_s == JUNE
    assert found(tmp_path, ten_down).seconds == early.seconds


def test_a_month_is_final_a_day_and_a_minute_after_the_newest_versions_cells(
    tmp_path: Path,
) -> None:
    one, three = trial(tmp_path), trial(tmp_path, versions=3)

    answer = run_case(one, one.cases[0])
    assert answer.complete_up_to_s == JULY + 3 * 60 + 86_400 + 60
    assert answer.final
    answer = run_case(three, three.cases[0])
    assert answer.complete_up_to_s == JULY + 5 * 60 + 86_400 + 60


def test_a_month_may_be_complete_up_to_a_cell_only(tmp_path: Path) -> None:
    answer = found(tmp_path, a_case("G10 B*", "complete_up_to: 2026-06-01T00:20:59Z,"))

    assert answer.complete_up_to_s == JUNE + 20 * 60
    assert answer.seconds == Seconds(600, 600, 0, 0)
    assert not answer.final


def test_a_case_of_a_priced_circuit_comes_with_its_money(tmp_path: Path) -> None:
    priced = "grid_seconds: 60, prices: [{amount: 100, currency: EUR}]"
    one = trial(tmp_path, a_case("B60 G*"), priced)
    with_credit = (tmp_path / "c1.yaml").read_text() + (
        "credit: {basis: availability_percent, bands: [[99.9, 0], [0, 10]]}\n"
    )
    (tmp_path / "c1.yaml").write_text(with_credit)
    one = load_trial(one.path)

    answer = run_case(one, one.cases[0])

    assert (answer.credit_percent, answer.credit_amount) == ("10", "10.00")
    assert answer.credit_issued is True


def test_runs_are_stretches_of_whole_cells_one_after_another(tmp_path: Path) -> None:
    one = trial(tmp_path)
    case = one.cases[0]

    def stretches(text: str) -> list[tuple[int, int, str]]:
        return _stretches(text, 10, 100, 200, case, one.path)

    assert stretches("G2 B3 ?1 G*") == [
        (100, 120, "G"), (120, 150, "B"), (150, 160, "?"), (160, 200, "G")
    ]  # fmt: skip
    assert stretches("G10") == [(100, 200, "G")]
    assert stretches("G10 B*") == [(100, 200, "G")]
    assert stretches("G0 B2") == [(100, 120, "B")]
    assert stretches("4.5x2 ?x1 9x*") == [(100, 120, "4.5"), (120, 130, "?"), (130, 200, "9")]
    with pytest.raises(ConfigError, match="is longer than 2026-06"):
        stretches("G11")


def answer(**more: Any) -> MonthAnswer:
    past = Past(lost=[(JUNE + DAY, JUNE + DAY + 600, DOWN)])
    return replace(past.month(), **more)


RIGHT = Expected(
    seconds=ExpectedSeconds(up=30 * DAY - 600, down=600, excluded=0, unmeasured=0),
    as_experienced=ExpectedSeconds(up=30 * DAY - 600, down=600, excluded=0, unmeasured=0),
    outages=1,
    segments=1,
    verdict=Outcome.MET,
    objectives={"availability": Outcome.MET},
)  # fmt: skip


def test_what_holds_is_not_told_and_what_is_left_out_is_not_compared() -> None:
    assert differences(RIGHT, answer()) == ()
    assert differences(Expected(), answer()) == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seconds": ExpectedSeconds(up=1)}, "seconds.up: expected 1, found 2591400"),
        ({"seconds": ExpectedSeconds(excluded=1)}, "seconds.excluded: expected 1, found 0"),
        ({"as_experienced": ExpectedSeconds(down=1)}, "as_experienced.down: expected 1, found 600"),
        ({"availability": "1"}, "availability: expected 1, found 99.97685"),
        ({"availability_as_experienced": "1"},
         "availability_as_experienced: expected 1, found 99.97685"),
        ({"verdict": Outcome.BREACHED}, "verdict: expected breached, found met"),
        ({"objectives": {"availability": Outcome.AT_RISK}},
         "objectives.availability: expected at_risk, found met"),
        ({"outages": 2}, "outages: expected 2, found 1"),
        ({"segments": 2}, "segments: expected 2, found 1"),
        ({"left_seconds": 1}, "left_seconds: expected 1, found 1992"),
        ({"credit_issued": True}, "credit_issued: expected True, found None (why)"),
        ({"credit_amount": "1.00"}, "credit_amount: expected 1.00, found None (why)"),
        ({"credit_percent": 5}, "credit_percent: expected 5, found 0 (why)"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_told_in_one_line(wrong: dict[str, Any], said: str) -> None:
    assert differences(Expected(**wrong), answer(credit_reason="why")) == (said,)


def test_a_credit_that_holds_is_not_told() -> None:
    credit = answer(
        credit_percent="10", credit_amount="7.00", credit_issued=False, credit_reason="why"
    )
    assert differences(
        Expected(credit_percent=10, credit_amount="7.00", credit_issued=False), credit
    ) == ()  # fmt: skip


def test_the_forecast_is_compared_where_there_is_a_budget() -> None:
    open_month = Past(complete=MIDDLE).month()
    wrong = differences(Expected(forecast=Outcome.BREACHED), open_month)

    assert wrong == ("forecast: expected breached, found met",)
    assert differences(Expected(forecast=Outcome.MET), open_month) == ()
    assert differences(Expected(forecast=Outcome.BREACHED), replace(open_month, budget=None)) == ()
