"""Credits: every vector case through the schedule a contract would load, and what is refused."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from linksla.errors import ConfigError
from sla.bands import percent, ranges_fault, rising_fault
from sla.contracts import load_contracts
from sla.credits import Delivered, OutageSeconds, earned, money
from sla.schedules import Schedule

CONTRACT = """\
id: c
version: 1
title: Title
source: here
timezone: UTC
availability: {target_percent: 99.99, up_at_least: 1, consecutive: 1}
"""


def schedule(known: dict[str, Any]) -> Schedule:
    return TypeAdapter(Schedule).validate_python(known)


def delivered(case: dict[str, Any]) -> Delivered:
    up, down = case.get("up_seconds"), case.get("down_seconds", 0)
    measured = {None: Fraction(case["measured"])} if "measured" in case else {}
    return Delivered(
        availability_percent=None if up is None else Fraction(100 * up, up + down),
        down_seconds=down,
        outages=tuple(OutageSeconds(one, one) for one in case.get("outages_seconds", ())),
        measured=measured,
    )


def test_every_case_of_the_vectors_agrees_exactly(vectors) -> None:
    known = vectors("credits")
    bases = set()
    for case in known["cases"]:
        terms = schedule(known["schedules"][case["schedule"]])

        found = earned(terms, delivered(case))

        assert found.percent == Fraction(case["expect_percent"]), (case, found)
        assert found.reason.endswith(".")
        bases.add(terms.basis)
    assert bases == {
        "availability_percent", "cumulative_down_seconds", "per_cumulative_hour",
        "exceedance_percent",
    }  # fmt: skip
    assert len(known["cases"]) > 50


def refused(tmp_path: Path, known: dict[str, Any]) -> str:
    (tmp_path / "c.yaml").write_text(CONTRACT + yaml.safe_dump({"credit": known}))
    with pytest.raises(ConfigError) as caught:
        load_contracts(tmp_path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_every_schedule_that_must_be_refused_is_refused_with_its_line(
    tmp_path: Path, vectors
) -> None:
    for case in vectors("credits")["must_be_refused"]:
        said = refused(tmp_path, {key: value for key, value in case.items() if key != "why"})

        assert any(f"c.yaml:{line}: " in said for line in range(7, 30)), said
        words = ("hole", "overlap", "falls", "start at 0")
        assert any(word in said for word in words), said


SECONDS = "cumulative_down_seconds"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"basis": SECONDS, "bands": [[1, 0], [601, 5]]}, "must start at 0"),
        ({"basis": SECONDS, "bands": [[0, 5]]}, "first band must give 0"),
        ({"basis": SECONDS, "bands": [[0, 0], [601, 5], [601, 9]]}, "overlap"),
        ({"basis": SECONDS, "bands": [[0, 0], [601, 5], [700, 4]]}, "credit falls"),
        ({"basis": SECONDS, "bands": [[0, 0], ["600.5", 5]]}, "whole seconds"),
        ({"basis": SECONDS, "bands": [[0, 0], [601, 101]]}, "between 0 and 100"),
        ({"basis": SECONDS, "bands": []}, "no band"),
        ({"basis": "mttr", "bands": [[0, 0], [7200, 20], [3600, 30]]}, "overlap"),
        ({"basis": "per_cumulative_hour", "credit_per_hour_percent": -1}, "negative"),
        ({"basis": "per_cumulative_hour", "credit_per_hour_percent": 1, "hour": "begun"}, "hour"),
        ({"basis": "exceedance_percent", "limit": 0, "bands": [[0, 0]]}, "greater than 0"),
        ({"basis": SECONDS, "band": [[0, 0]]}, "Did you mean 'bands'"),
        ({"basis": "percent", "bands": [[0, 0]]}, "availability_percent"),
    ],
)
def test_a_schedule_without_sense_is_refused_when_the_contract_loads(
    tmp_path: Path, known: dict[str, Any], said: str
) -> None:
    text = refused(tmp_path, known)

    assert said in text
    assert any(f"c.yaml:{line}: " in text for line in range(7, 20)), text


HOURS = {
    "basis": "per_cumulative_hour", "credit_per_hour_percent": "100/30", "cap_percent": 100,
    "minimum_qualifying_outage_seconds": 900,
}  # fmt: skip


def test_an_outage_qualifies_by_all_of_it_and_adds_what_lies_in_the_period() -> None:
    carried_in = Delivered(outages=(OutageSeconds(10_000, 800), OutageSeconds(2_800, 2_800)))
    short = Delivered(outages=(OutageSeconds(899, 899),) * 10)

    assert earned(schedule(HOURS), carried_in).percent == Fraction(100, 30)
    assert earned(schedule(HOURS), short).percent == 0


RESTORE = {"basis": "mttr", "bands": [[0, 0], [14_400, 10], [28_800, 25]]}


@pytest.mark.parametrize(
    ("durations", "credit"),
    [
        ((), 0),
        ((14_399,), 0),
        ((14_400,), 10),
        ((1, 28_798), 0),
        ((1, 28_799), 10),
        ((28_800,), 25),
    ],
)
def test_the_mean_time_to_restore_is_exact(durations: tuple[int, ...], credit: int) -> None:
    assert earned(schedule(RESTORE), Delivered(restore_seconds=durations)).percent == credit


def test_what_may_still_come_back_gives_nothing_before_the_month_ends() -> None:
    exceedance = {
        "basis": "exceedance_percent", "objective": "jitter", "limit": 2,
        "bands": [[0, 0], [10, 10]],
    }  # fmt: skip
    far = {"measured": {"jitter": Fraction(9)}, "restore_seconds": (99_999,)}

    for terms in (schedule(exceedance), schedule(RESTORE)):
        assert earned(terms, Delivered(**far, is_open=True)).percent == 0
        assert earned(terms, Delivered(**far)).percent > 0
    assert earned(schedule(exceedance), Delivered(measured={"jitter": None})).percent == 10
    assert "not measured" in earned(schedule(exceedance), Delivered()).reason


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40))
def test_a_longer_outage_never_earns_less(durations: list[int]) -> None:
    shares = [
        earned(schedule(HOURS), Delivered(outages=(OutageSeconds(one, one),))).percent
        for one in sorted(durations)
    ]

    assert shares == sorted(shares)


def test_ranges_that_touch_are_refused_too() -> None:
    rows = [[Fraction(100), Fraction(99), Fraction(0)], [Fraction(99), Fraction(0), Fraction(10)]]

    assert "two ends" in ranges_fault(rows)


def test_a_hole_below_the_first_rising_band_is_named() -> None:
    assert "hole" in (rising_fault([(Fraction(5), Fraction(0))], "s") or "")


def test_percent_is_exact_where_it_ends_and_rounded_once_where_not() -> None:
    assert percent(Fraction(10)) == "10"
    assert percent(Fraction("99.99")) == "99.99"
    assert percent(Fraction(100, 30)) == "3.33333"


@pytest.mark.parametrize(
    ("amount", "currency", "printed"),
    [
        (Fraction(100, 3), "USD", "33.33"), (Fraction(5, 1000), "USD", "0.01"),
        (Fraction(4999, 1_000_000), "EUR", "0.00"), (Fraction(3, 2), "JPY", "2"),
    ],
)  # fmt: skip
def test_money_is_rounded_once_to_its_unit(amount: Fraction, currency: str, printed: str) -> None:
    assert money(amount, currency) == printed
