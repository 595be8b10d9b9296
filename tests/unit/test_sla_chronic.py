"""Outages counted: restore time, repeats, chronic circuits, held against numbers worked by hand."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.errors import ConfigError
from sla.answers import Bucket, MonthAnswer, Outcome
from sla.chronic import Counted, Spell, chronic_standing, repeats, restore_mean, spells_of
from sla.contracts import load_contracts
from sla.json import to_json
from sla.judged import JudgedRun
from sla.outage_figures import figures_words
from sla.outage_terms import ChronicTerms, OutageTerms
from sla.outages import outage_id
from tests.unit.trial_support import judged

DAY = 86_400
CONTRACT = """\
id: c
version: 1
title: T
source: here
timezone: UTC
availability: {target_percent: 90, up_at_least: 1, consecutive: 1}
outages:
  count_max: 2
  longest_seconds_max: 1800
  restore_mean_seconds_max: 900
  repeat_within_days: 7
  chronic: {outages: 3, lasting_seconds: 600, within_days: 10}
"""


def judge(
    folder: Path, runs: str, *contracts: str, complete: str | None = None, more: str = ""
) -> MonthAnswer:
    return judged(folder, runs, contracts or (CONTRACT,), 60, complete, more)


def verdicts(answer: MonthAnswer) -> dict[str, tuple[str | None, Outcome]]:
    return {one.name: (one.actual, one.verdict) for one in answer.objectives[1:]}


def test_two_outages_within_all_terms(tmp_path: Path) -> None:
    # 20 min on the 1st, 10 min on the 9th: mean 900 s, a week and a day apart
    answer = judge(tmp_path, "G100 B20 G12000 B10 G*")

    assert verdicts(answer) == {
        "outages": ("2", Outcome.MET),
        "longest outage": ("1200", Outcome.MET),
        "mean time to restore": ("900.0", Outcome.MET),
        "chronic circuit": ("2", Outcome.MET),
    }
    assert to_json(answer, commercial=False)["outage_figures"] == {
        "began": 2, "mttr_seconds": "900.0", "longest_seconds": 1200, "repeat_within_days": 7,
        "repeats": [],
        "chronic": {
            "outages": 0, "most": 2, "needed": 3, "lasting_seconds": 600, "within_days": 10,
            "chronic": False,
        },
    }  # fmt: skip


def test_a_third_outage_in_ten_days_makes_the_circuit_chronic(tmp_path: Path) -> None:
    answer = judge(tmp_path, "G100 B31 G6000 B10 G6000 B10 G*")

    # (1,860 + 600 + 600) / 3 = 1,020 s
    assert verdicts(answer) == {
        "outages": ("3", Outcome.BREACHED),
        "longest outage": ("1860", Outcome.BREACHED),
        "mean time to restore": ("1020.0", Outcome.BREACHED),
        "chronic circuit": ("3", Outcome.BREACHED),
    }
    assert answer.verdict is Outcome.BREACHED
    reasons = {one.name: one.reason for one in answer.objectives}
    assert reasons["outages"] == "3 began in the month, 2 allowed."
    assert reasons["mean time to restore"] == (
        "3,060 s over 3 outages that began in the month = 1020.0 s, which exceeds 900 s."
    )
    assert reasons["chronic circuit"] == (
        "3 outages of 10 min 0 s or more within 10 days, the last of them in this month; 3 make "
        "the circuit chronic."
    )


def test_one_second_too_short_or_ten_days_apart_is_not_chronic(tmp_path: Path) -> None:
    short = judge(tmp_path, "G100 B10 G6000 B9 G6000 B10 G*")
    # onsets at minute 0, 7,210 and 14,400: ten days to the minute between the first and the third
    apart = judge(tmp_path, "B10 G7200 B10 G7180 B10 G*")
    within = judge(tmp_path, "B10 G7200 B10 G7179 B10 G*")

    found = [dict(verdicts(one))["chronic circuit"] for one in (short, apart, within)]
    assert found == [("2", Outcome.MET), ("2", Outcome.MET), ("3", Outcome.BREACHED)]


def test_excluded_and_unmeasured_seconds_are_no_part_of_an_outage(tmp_path: Path) -> None:
    window = (
        "    maintenance:\n      - {id: W, circuit: trial, start: '2026-06-01T02:00:00Z', "
        "end: '2026-06-01T02:10:00Z', announced_at: '2026-05-01T00:00:00Z', proposed_by: c, "
        "reason: w}\n"
    )

    # 20 min down, of which 10 are excluded, then 5 unmeasured and 3 more down: one outage of 780 s
    answer = judge(tmp_path, "G120 B20 ?5 B3 G*", more=window)
    all_excluded = judge(tmp_path, "G120 B10 G*", more=window)

    assert answer.outage_figures is not None
    assert (answer.outage_figures.began, answer.outage_figures.longest_seconds) == (1, 780)
    assert all_excluded.outage_figures is not None
    assert (all_excluded.outage_figures.began, all_excluded.outage_figures.longest_seconds) == (
        0,
        0,
    )
    assert all_excluded.outage_figures.restore_mean_seconds is None


def test_an_open_month_is_at_risk_one_outage_short_of_chronic_and_while_a_mean_may_fall(
    tmp_path: Path,
) -> None:
    answer = judge(tmp_path, "G100 B16 G100 B16 G*", complete="2026-06-02T00:00:00Z")

    assert verdicts(answer) == {
        "outages": ("2", Outcome.AT_RISK),  # more than three quarters of 2
        "longest outage": ("960", Outcome.MET),
        "mean time to restore": ("960.0", Outcome.AT_RISK),
        "chronic circuit": ("2", Outcome.AT_RISK),
    }


def test_a_repeat_names_the_outage_before_it(tmp_path: Path) -> None:
    answer = judge(tmp_path, "G100 B1 G10079 B1 G10081 B1 G*")

    figures = answer.outage_figures
    assert figures is not None
    (repeat,) = figures.repeats  # 7 days less a minute after the end; the third comes later
    assert repeat.after_seconds == 10_079 * 60
    assert {repeat.outage_id, repeat.earlier_id} < {one.outage_id for one in answer.outages}
    assert figures_words(figures) == (
        "3 outages began: 60.0 s to restore on average, the longest 1 min 0 s. 1 repeat within 7 "
        "days of another. Not chronic: at most 0 of 10 min 0 s or more within 10 days, 3 make it "
        "so."
    )


def test_a_segment_is_held_to_what_the_month_had_so_far(tmp_path: Path) -> None:
    second = CONTRACT.replace("version: 1", "version: 2\nvalid_from: 2026-06-16T00:00:00Z")

    answer = judge(tmp_path, "G100 B1 G100 B1 G30000 B1 G*", CONTRACT, second)

    assert verdicts(answer)["outages"] == ("3", Outcome.BREACHED)
    assert "From 2026-06-01T00:00:00Z (version 1): 2 began" in answer.objectives[1].reason


def test_without_terms_there_are_figures_and_no_objectives(tmp_path: Path) -> None:
    plain = CONTRACT[: CONTRACT.index("outages:")]

    answer = judge(tmp_path, "G100 B2 G10 B1 G*", plain)

    assert [one.name for one in answer.objectives] == ["availability"]
    assert answer.outage_figures is not None
    assert answer.outage_figures.restore_mean_seconds == 90
    assert answer.outage_figures.chronic is None
    assert len(answer.outage_figures.repeats) == 1  # within 30 days unless the contract says else


@pytest.mark.parametrize("name", ["outages", "chronic circuit", "availability"])
def test_an_objective_may_not_take_the_name_of_another(tmp_path: Path, name: str) -> None:
    more = f"objectives: [{{name: {name}, metric: loss, statistic: mean, limit: 0.1}}]\n"
    (tmp_path / "c.yaml").write_text(CONTRACT + more)

    with pytest.raises(ConfigError) as caught:
        load_contracts(tmp_path)

    assert "two objectives have one name" in str(caught.value)


def run(start: int, end: int, bucket: Bucket, experienced: Bucket | None = None) -> JudgedRun:
    return JudgedRun(start, end, bucket, experienced or bucket, bad=False)


def test_what_began_before_the_ownership_is_nobodys_new_outage() -> None:
    runs = (run(0, 100, Bucket.UP), run(100, 200, Bucket.DOWN), run(200, 300, Bucket.UP),
            run(300, 310, Bucket.DOWN), run(310, 400, Bucket.UP))  # fmt: skip

    assert spells_of(runs, 0, 400) == (Spell(100, 200, 100), Spell(300, 310, 10))
    assert spells_of(runs, 150, 400) == (Spell(300, 310, 10),)
    assert spells_of(runs, 0, 305) == (Spell(100, 200, 100), Spell(300, 305, 5))


SPELLS = st.lists(
    st.tuples(st.integers(1, 5 * DAY), st.integers(1, 2_000)), min_size=1, max_size=25
)


@settings(deadline=None)
@given(SPELLS, st.integers(2, 5), st.integers(1, 2_000), st.integers(1, 12), st.integers(0, 60))
def test_chronic_is_what_looking_at_every_window_gives(gaps, needed, lasting, days, first) -> None:
    at, spells = 0, []
    for gap, down in gaps:
        spells.append(Spell(at + gap, at + gap + down, down))
        at += gap + down
    counted = Counted(tuple(spells), first * DAY, at + 1, is_open=False)
    terms = ChronicTerms(outages=needed, lasting_seconds=lasting, within_days=days)

    found = chronic_standing(terms, counted)

    long_enough = [one.onset_s for one in spells if one.down_seconds >= lasting]
    windows = [
        sum(onset - days * DAY < other <= onset for other in long_enough)
        for onset in long_enough
        if onset >= first * DAY
    ]
    assert found.most == max(windows, default=0)
    assert found.now == sum(other >= at + 1 - days * DAY for other in long_enough)
    assert found.chronic == (found.most >= needed)


@given(SPELLS)
def test_the_mean_times_the_count_is_the_sum(gaps) -> None:
    spells = [Spell(0, down, down) for _, down in gaps]

    mean = restore_mean(spells)

    assert mean is not None
    assert mean * len(spells) == sum(one.down_seconds for one in spells)
    assert isinstance(mean, Fraction)


def test_a_repeat_may_follow_an_outage_of_the_month_before() -> None:
    counted = Counted((Spell(50, 60, 10), Spell(100, 110, 10)), 80, 200, is_open=False)

    (found,) = repeats(OutageTerms(repeat_within_days=1), counted, "DEN-1")

    assert (found.outage_id, found.earlier_id) == (outage_id("DEN-1", 100), outage_id("DEN-1", 50))
    assert found.after_seconds == 40


@pytest.mark.parametrize(("gap", "count"), [(DAY - 1, 1), (DAY, 0)])
def test_so_many_days_after_the_end_is_no_repeat(gap: int, count: int) -> None:
    counted = Counted((Spell(0, 10, 10), Spell(10 + gap, 20 + gap, 10)), 0, 9 * DAY, is_open=False)

    assert len(repeats(OutageTerms(repeat_within_days=1), counted, "DEN-1")) == count


def test_an_outage_exactly_so_many_days_before_the_end_still_counts_now() -> None:
    terms = ChronicTerms(outages=2, lasting_seconds=60, within_days=10)

    def now(onset: int) -> int:
        counted = Counted([Spell(onset, onset + 60, 60)], 0, 20 * 86_400, is_open=True)
        return chronic_standing(terms, counted).now

    assert [now(10 * 86_400 - 1), now(10 * 86_400)] == [0, 1]
