"""Budgets: seconds allowed and left, burn rates, forecasts, held against numbers worked by hand."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.clock import parse_instant
from sla.answers import Bucket, MonthAnswer, Outcome, Seconds
from sla.budgets import RULES, balance_seconds, burn_rates
from sla.contracts import AvailabilityTerms
from sla.forecast import past_stretches, spread
from sla.json import to_json
from sla.judge import Scenario, Tally, judge_availability
from sla.judged import JudgedRun
from sla.spending import forecast_outcome, forecast_words, left_words, length
from sla.trials import load_trial, run_case
from tests.unit.trial_support import judged

DAY = 86_400
JUNE = 30 * DAY
CONTRACT = """\
id: c
version: 1
title: T
source: here
timezone: UTC
availability: {target_percent: 99.99, up_at_least: 1, consecutive: 1, denominator: measured}
"""
WINDOW = """\
    maintenance:
      - {id: W, circuit: trial, start: '2026-06-10T00:00:00Z', end: '2026-06-10T01:00:00Z',
         announced_at: '2026-05-01T00:00:00Z', proposed_by: carrier, reason: work}
"""


def judge(
    folder: Path, runs: str, *contracts: str, complete: str | None = None, more: str = ""
) -> MonthAnswer:
    return judged(folder, runs, contracts or (CONTRACT,), 1, complete, more)


def run(start: int, end: int, bucket: Bucket) -> JudgedRun:
    return JudgedRun(start, end, bucket, bucket, bad=bucket is Bucket.DOWN)


@pytest.mark.parametrize(
    ("denominator", "runs", "more", "allowed"),
    [
        ("measured", "G*", "", 259),  # 2,592,000 / 10,000 = 259.2
        ("measured", "G*", WINDOW, 258),  # (2,592,000 - 3,600) / 10,000 = 258.84
        ("whole_period", "G*", WINDOW, 259),
        ("measured", "G100 ?12001 G*", "", 257),  # (2,592,000 - 12,001) / 10,000 = 257.9999
        ("whole_period", "G100 ?12001 G*", "", 259),
    ],
)
def test_excluded_and_unmeasured_time_allow_what_the_denominator_says(
    tmp_path: Path, denominator: str, runs: str, more: str, allowed: int
) -> None:
    contract = CONTRACT.replace("denominator: measured", f"denominator: {denominator}")

    answer = judge(tmp_path, runs, contract, more=more)

    assert answer.budget is not None
    assert (answer.budget.allowed_seconds, answer.budget.left_seconds) == (allowed, allowed)


@pytest.mark.parametrize(
    ("down", "left", "over", "verdict", "words"),
    [
        (132, 127, 0, Outcome.MET, "2 min 7 s left"),
        (259, 0, 0, Outcome.MET, "0 s left"),
        (260, 0, 1, Outcome.BREACHED, "1 s too much"),
        (292, 0, 33, Outcome.BREACHED, "33 s too much"),
    ],
)
def test_the_last_second_is_left_until_the_one_after_breaches(
    tmp_path: Path, down: int, left: int, over: int, verdict: Outcome, words: str
) -> None:
    answer = judge(tmp_path, f"G100 B{down} G*")

    assert answer.budget is not None
    assert (answer.budget.left_seconds, answer.budget.overspent_seconds) == (left, over)
    assert (answer.verdict, left_words(answer.budget)) == (verdict, words)
    assert to_json(answer, commercial=False)["budget"] == {
        "allowed_seconds": 259, "left_seconds": left, "overspent_seconds": over,
    }  # fmt: skip


def test_a_breached_segment_leaves_nothing_though_the_next_has_spent_nothing(
    tmp_path: Path,
) -> None:
    second = CONTRACT.replace("version: 1", "version: 2\nvalid_from: 2026-06-16T00:00:00Z")

    answer = judge(tmp_path, "G100 B200 G*", CONTRACT, second)  # 129 s are allowed in either half

    assert [segment.allowed_seconds for segment in answer.segments] == [129, 129]
    assert answer.budget is not None
    assert (answer.budget.left_seconds, answer.budget.overspent_seconds) == (0, 71)
    assert answer.verdict is Outcome.BREACHED


@given(
    up=st.integers(0, 3_000_000),
    down=st.integers(0, 3_000),
    excluded=st.integers(0, 20_000),
    unmeasured=st.integers(0, 20_000),
    rest=st.integers(0, 3_000_000),
    tenths=st.integers(9_900, 10_000),
    denominator=st.sampled_from(["measured", "whole_period"]),
)
def test_something_is_left_exactly_while_the_verdict_is_not_breached(
    up, down, excluded, unmeasured, rest, tenths, denominator
) -> None:
    terms = AvailabilityTerms(
        target_percent=f"{Fraction(tenths, 100)}", up_at_least=1, consecutive=1,
        denominator=denominator,
    )  # fmt: skip
    seconds = Seconds(up, down, excluded, unmeasured)
    verdict = judge_availability(
        terms,
        Tally(seconds, seconds, 0),
        Seconds(up, down + unmeasured, excluded, 0),
        Seconds(up + unmeasured, down, excluded, 0),
        rest,
    )

    left = balance_seconds(Scenario(seconds, rest).allowed(terms), down)

    counted = up + down + rest
    if denominator == "whole_period":
        counted += excluded + unmeasured
    assert (left >= 0) == (10_000 * down <= (10_000 - tenths) * counted)
    if verdict.outcome is not Outcome.NOT_ASSESSABLE:
        assert (left >= 0) == (verdict.outcome is not Outcome.BREACHED)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.sampled_from("GB?")), max_size=12))
def test_a_month_has_seconds_left_exactly_while_it_is_not_breached(
    tmp_path_factory, runs: list[tuple[int, str]]
) -> None:
    text = " ".join(f"{kind}{count}" for count, kind in runs) + " G*"

    answer = judge(tmp_path_factory.mktemp("c"), text, complete="2026-06-20T00:00:00Z")

    assert answer.budget is not None
    assert (answer.budget.overspent_seconds == 0) == (answer.verdict is not Outcome.BREACHED)
    assert answer.budget.left_seconds == 0 or answer.budget.overspent_seconds == 0


@pytest.mark.parametrize(
    ("days", "factors"),
    [
        (28, ["336/25", "28/5", "14/5", "14/15"]),  # 13.44, 5.6, 2.8, 0.933
        (30, ["72/5", "6", "3", "1"]),  # 14.4, 6, 3, 1: the SRE workbook
        (31, ["372/25", "31/5", "31/10", "31/30"]),  # 14.88, 6.2, 3.1, 1.033
    ],
)
def test_the_factors_follow_from_the_months_real_length(days: int, factors: list[str]) -> None:
    found = burn_rates((), 0, 10 * DAY, days * DAY, Fraction(days * DAY, 10_000))

    assert [one.factor for one in found] == [Fraction(text) for text in factors]
    assert [(one.long_seconds, one.short_seconds) for one in found] == [
        (3_600, 300), (21_600, 1_800), (86_400, 7_200), (259_200, 21_600),
    ]  # fmt: skip


def test_ten_seconds_in_the_last_minute_burn_fast() -> None:
    now = 10 * DAY
    runs = (run(0, now - 60, Bucket.UP), run(now - 60, now - 50, Bucket.DOWN),
            run(now - 50, now, Bucket.UP))  # fmt: skip

    hour, *slower = burn_rates(runs, 0, now, JUNE, Fraction(2_592, 10))

    # 10 s of 3,600 against 1 in 10,000; 10 s of 300
    assert (hour.long_rate, hour.short_rate) == (Fraction(250, 9), Fraction(1_000, 3))
    assert hour.burning  # 27.8 and 333.3 exceed 14.4: more than 5.184 s in the hour
    assert [one.burning for one in slower] == [False, False, False]  # 12.96 and 25.92 s are not


def test_both_windows_must_burn_and_a_quiet_short_one_ends_it() -> None:
    now = 10 * DAY
    runs = (run(0, now - 400, Bucket.UP), run(now - 400, now - 390, Bucket.DOWN),
            run(now - 390, now, Bucket.UP))  # fmt: skip

    hour = burn_rates(runs, 0, now, JUNE, Fraction(2_592, 10))[0]

    assert hour.long_rate is not None
    assert hour.long_rate > hour.factor
    assert (hour.short_rate, hour.burning, hour.calm) == (0, False, True)


def test_between_the_factor_and_half_of_it_a_rule_neither_burns_nor_is_calm() -> None:
    now, allowance = 10 * DAY, Fraction(12_000)  # 240 s an hour, 20 s in five minutes

    def hour(seconds: int) -> tuple[bool, bool]:
        runs = (run(now - 900, now - 400, Bucket.DOWN), run(now - seconds, now, Bucket.DOWN))
        found = burn_rates(runs, 0, now, JUNE, allowance)[0]
        return found.burning, found.calm

    assert [hour(seconds) for seconds in (10, 11, 20, 21)] == [
        (False, True), (False, False), (False, False), (True, False),
    ]  # fmt: skip


def test_unmeasured_time_neither_burns_nor_calms() -> None:
    now = 10 * DAY
    silent = (run(0, now - 100, Bucket.UP), run(now - 100, now, Bucket.UNMEASURED))

    hour = burn_rates(silent, 0, now, JUNE, Fraction(2_592, 10))[0]

    assert (hour.long_rate, hour.burning, hour.calm) == (0, False, False)


def test_where_nothing_is_allowed_any_down_second_burns_without_limit() -> None:
    found = burn_rates((run(DAY - 1, DAY, Bucket.DOWN),), 0, DAY, JUNE, Fraction(0))

    assert [(one.long_rate, one.short_rate, one.burning) for one in found] == [
        (None, None, True)] * 4  # fmt: skip


def test_the_month_before_burns_nothing_of_this_one() -> None:
    runs = (run(DAY - 3_600, DAY, Bucket.DOWN), run(DAY, DAY + 60, Bucket.UP))

    found = burn_rates(runs, DAY, DAY + 60, DAY + JUNE, Fraction(2_592, 10))

    assert {one.long_rate for one in found} == {0}


PIECES = st.lists(
    st.tuples(st.integers(1, 40_000), st.sampled_from(list(Bucket))), min_size=1, max_size=30
)


def laid(pieces: list[tuple[int, Bucket]]) -> tuple[tuple[JudgedRun, ...], np.ndarray]:
    """Return runs, and the bucket of every second."""
    at, runs, seconds = 0, [], []
    for size, bucket in pieces:
        runs.append(run(at, at + size, bucket))
        seconds += [bucket.value] * size
        at += size
    return tuple(runs), np.array(seconds)


@settings(deadline=None, max_examples=40)
@given(PIECES, st.integers(1, 2_000))
def test_burn_rates_are_what_counting_second_by_second_gives(pieces, allowance: int) -> None:
    runs, seconds = laid(pieces)
    now = len(seconds)

    found = burn_rates(runs, 0, now, max(now, JUNE), Fraction(allowance))

    for one, (share, long) in zip(found, RULES, strict=True):
        slow = int((seconds[max(0, now - long) :] == "down").sum())
        fast = int((seconds[max(0, now - long // 12) :] == "down").sum())
        dark = int((seconds[max(0, now - long // 12) :] == "unmeasured").sum())
        even = Fraction(allowance, max(now, JUNE))  # a second of it is allowed each second
        assert one.long_rate == Fraction(slow, long) / even
        assert one.short_rate == Fraction(fast, long // 12) / even
        assert one.burning == (one.long_rate > one.factor and one.short_rate > one.factor)
        assert one.calm == (Fraction(fast + dark, long // 12) / even <= one.factor / 2)
        assert one.factor == share * Fraction(max(now, JUNE), long)


@settings(deadline=None, max_examples=40)
@given(PIECES, st.integers(0, 100_000), st.integers(1, 200_000))
def test_past_stretches_are_what_counting_second_by_second_gives(pieces, start, length) -> None:
    runs, seconds = laid(pieces)
    now = len(seconds)

    found = past_stretches(runs, start, now, length, coverage_percent_min=Fraction(50))

    slow = []
    for end in range(now, 0, -DAY):
        part = seconds[end - length : end]
        if end - length >= start and 2 * int((part != "unmeasured").sum()) >= length:
            slow.append(int((part == "down").sum()))
    assert list(found) == slow


@given(st.lists(st.integers(0, 500), min_size=1), st.integers(-1, 500))
def test_the_range_holds_every_stretch_and_counts_those_that_meet(lost, left) -> None:
    found = spread(lost, left)

    assert (found.low, found.high, found.stretches) == (min(lost), max(lost), len(lost))
    assert found.met == sum(one <= left for one in lost)
    assert 2 * sum(one <= found.middle for one in lost) >= len(lost)


# Complete up to the 20th, 24:00: 10 days to come, and 11 stretches of 10 days end at 0:00 from the
# 21st back to the 11th. What happened on the 5th at noon lies in those that end on the 11th to the
# 15th: 5 of 11.
AT_NOON = 4 * DAY + DAY // 2


@pytest.mark.parametrize(
    ("down", "outcome", "met", "middle"),
    [(100, Outcome.MET, 11, 0), (200, Outcome.AT_RISK, 6, 0), (300, Outcome.BREACHED, 0, 0)],
)
def test_the_forecast_tries_each_past_stretch_in_place_of_the_rest(
    tmp_path: Path, down: int, outcome: Outcome, met: int, middle: int
) -> None:
    answer = judge(tmp_path, f"G{AT_NOON} B{down} G*", complete="2026-06-21T00:00:00Z")

    assert answer.budget is not None
    ahead = answer.budget.forecast
    assert ahead is not None
    assert ahead.past is not None
    assert (ahead.rest_seconds, ahead.past.stretches, ahead.past.met) == (10 * DAY, 11, met)
    assert (ahead.past.low, ahead.past.middle, ahead.past.high) == (0, middle, down)
    assert forecast_outcome(answer.budget) is outcome


def test_the_forecast_says_its_method_and_its_range(tmp_path: Path) -> None:
    answer = judge(tmp_path, f"G{AT_NOON} B200 G*", complete="2026-06-21T00:00:00Z")

    budget = to_json(answer, commercial=False)["budget"]

    assert budget["forecast"] == {
        "verdict": "at_risk",
        "reason": "Availability is met unless more than 59 s more are down. Were the 10 d to come "
        "like the past, it would be met in 6 of 11 cases: stretches of that length had 0 s to "
        "3 min 20 s down, 0 s in the middle.",
        "rest_seconds": 864_000,
        "further_down_seconds": {"low": 0, "middle": 0, "high": 200},
        # 200 and 400 s of 2,592,000
        "availability": {"low": "99.99228", "middle": "99.99228", "high": "99.98456"},
        "stretches": 11,
        "stretches_met": 6,
    }  # fmt: skip
    assert [one["burning"] for one in budget["burn"]] == [False] * 4


def test_a_short_past_gives_no_range_but_says_what_would_breach(tmp_path: Path) -> None:
    answer = judge(tmp_path, "G*", complete="2026-06-03T00:00:00Z")

    assert answer.budget is not None
    assert forecast_outcome(answer.budget) is None
    assert forecast_words(answer.budget) == (
        "Availability is met unless more than 4 min 19 s more are down. No forecast: 2 d of the "
        "circuit's past are too few to compare with the 28 d to come."
    )


def test_what_the_past_did_not_measure_forecasts_nothing(tmp_path: Path) -> None:
    seen = 12 * DAY  # of 20 days: too few stretches of 10 days are covered by 95 %

    answer = judge(tmp_path, f"?{20 * DAY - seen} G*", complete="2026-06-21T00:00:00Z")

    assert answer.budget is not None
    assert answer.budget.forecast is not None
    assert answer.budget.forecast.past is None


def test_a_month_that_is_over_has_neither_rates_nor_forecast(tmp_path: Path) -> None:
    answer = judge(tmp_path, "G100 B10 G*")

    assert answer.budget is not None
    assert (answer.budget.burn, answer.budget.forecast) == ((), None)
    assert forecast_words(answer.budget) == ""


def test_a_trial_may_look_at_an_open_month(tmp_path: Path) -> None:
    answer = judge(tmp_path, "G100 B10 G*", complete="2026-06-16T00:00:00Z")

    assert not answer.final
    assert answer.complete_up_to_s == parse_instant("2026-06-16T00:00:00Z")
    assert answer.budget_left_seconds == 249


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (5, "5 s"), (600, "10 min"), (5_400, "1 h 30 min"), (864_000, "10 d"),
     (86_401, "1 d 0 h 0 min 1 s"), (90_000, "1 d 1 h")],
)  # fmt: skip
def test_a_length_is_said_without_the_zeros_at_its_end(seconds: int, words: str) -> None:
    assert length(seconds) == words


@pytest.mark.parametrize(
    ("month", "factor"),
    # 2 % in an hour: of 2,678,400 s less an hour in March, more an hour in November's 2,592,000
    [("2026-03", "14.86"), ("2026-05", "14.88"), ("2026-11", "14.42")],
)
def test_a_month_in_which_clocks_change_has_its_own_factor(
    tmp_path: Path, month: str, factor: str
) -> None:
    (tmp_path / "c.yaml").write_text(CONTRACT.replace("UTC", "America/Denver"))
    path = tmp_path / "cases.yaml"
    path.write_text(
        "contract: c.yaml\ncircuit: {grid_seconds: 60}\ncases:\n"
        f"  - {{name: it, month: {month}, complete_up_to: '{month}-20T12:00:00Z', "
        'channels: {a: "G100 B2 G*"}, expect: {}}\n'
    )
    trial = load_trial(path)

    budget = to_json(run_case(trial, trial.cases[0]), commercial=False)["budget"]

    assert budget["burn"][0]["factor"] == factor


@pytest.mark.parametrize(("seconds", "burning"), [(240, False), (241, True)])
def test_the_long_window_must_exceed_its_line_too(seconds: int, burning: bool) -> None:
    now = 10 * DAY  # 2 % of 12,000 s are 240

    found = burn_rates((run(now - seconds, now, Bucket.DOWN),), 0, now, JUNE, Fraction(12_000))

    assert found[0].burning is burning
