"""Contracts: what is left out means what, which version rules when, and what is refused where."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from linksla.errors import ConfigError
from sla.contracts import (
    AvailabilityTerms,
    Contract,
    ContractInForce,
    PerformanceTerms,
    contract_at,
    distributions_asked,
    load_contracts,
    load_versions,
    one_contract,
    versions_in_force,
)
from sla.maintenance import STILL_S
from sla.outage_terms import ChronicTerms, OutageTerms
from tests.unit.past_bench import JULY, JUNE, MIDDLE, ONE

TWO = replace(ONE, version=2, valid_from=MIDDLE)
THREE = replace(ONE, version=3, valid_from=JULY)


@pytest.mark.parametrize(
    ("versions", "begins", "ends", "found"),
    [
        ((ONE,), JUNE, None, [(1, JUNE, STILL_S)]),
        ((ONE,), JUNE, MIDDLE, [(1, JUNE, MIDDLE)]),
        ((replace(ONE, valid_from=MIDDLE),), JUNE, None, [(1, JUNE, STILL_S)]),
        ((ONE, TWO), JUNE, None, [(1, JUNE, MIDDLE), (2, MIDDLE, STILL_S)]),
        ((ONE, TWO, THREE), JUNE, None, [
            (1, JUNE, MIDDLE), (2, MIDDLE, JULY), (3, JULY, STILL_S)]),
        ((ONE, TWO, THREE), JUNE, JULY, [(1, JUNE, MIDDLE), (2, MIDDLE, JULY)]),
        ((ONE, TWO, THREE), JUNE, JULY + 1, [
            (1, JUNE, MIDDLE), (2, MIDDLE, JULY), (3, JULY, JULY + 1)]),
        ((ONE, TWO, THREE), MIDDLE, None, [(2, MIDDLE, JULY), (3, JULY, STILL_S)]),
        ((ONE, TWO, THREE), MIDDLE + 1, None, [(2, MIDDLE + 1, JULY), (3, JULY, STILL_S)]),
        ((ONE, TWO, THREE), JULY + 9, None, [(3, JULY + 9, STILL_S)]),
        ((ONE, TWO), JUNE, MIDDLE + 5, [(1, JUNE, MIDDLE), (2, MIDDLE, MIDDLE + 5)]),
    ],
)  # fmt: skip
def test_a_version_rules_until_the_next_one_and_within_the_circuits_time(
    versions: tuple[Contract, ...], begins: int, ends: int | None, found: list[tuple[int, int, int]]
) -> None:
    ruled = versions_in_force({"c": versions}, "c", begins, ends)

    assert ruled == tuple(
        ContractInForce(versions[number - versions[0].version], lower, upper)
        for number, lower, upper in found
    )


def test_the_first_version_rules_all_time_before_it() -> None:
    versions = (replace(ONE, valid_from=JUNE), TWO, THREE)

    assert [contract_at(versions, at).version for at in (0, JUNE, MIDDLE - 1, MIDDLE, JULY)] == [
        1, 1, 1, 2, 3,
    ]  # fmt: skip


def terms(metric: str, statistic: str = "mean", **more: Any) -> PerformanceTerms:
    known = {"name": "o", "metric": metric, "statistic": statistic, "limit": 1}
    return TypeAdapter(PerformanceTerms).validate_python(known | more)


@pytest.mark.parametrize(
    ("statistic", "percentile"),
    [("mean", None), ("maximum", None), ("p95", 95), ("p99.7", Fraction(997, 10)), ("p1", 1),
     ("p0.5", Fraction(1, 2)), ("p99.9999", Fraction(999_999, 10_000))],
)  # fmt: skip
def test_a_percentile_lies_between_0_and_100(statistic: str, percentile: Any) -> None:
    assert terms("latency", statistic).percentile == percentile


@pytest.mark.parametrize("statistic", ["p0", "p00", "p0.0", "p100", "p", "median", "p99.99999"])
def test_any_other_statistic_is_refused(statistic: str) -> None:
    with pytest.raises(ValidationError):
        terms("latency", statistic)


def test_throughput_must_not_fall_below_its_limit_unless_it_is_said() -> None:
    assert [terms(one).at_least for one in ("latency", "throughput_rx", "throughput_tx")] == [
        False, True, True,
    ]  # fmt: skip
    assert not terms("throughput_rx", bound="at_most").at_least
    assert terms("throughput_rx", bound="at_least").at_least
    assert not terms("throughput_rx").relative_to_bandwidth


def test_what_a_contract_leaves_out() -> None:
    least = AvailabilityTerms(target_percent="99", up_at_least=1, consecutive=1)

    assert (least.loss_threshold, least.denominator, least.coverage_percent_min) == (
        Fraction(1, 2), "measured", 95,
    )  # fmt: skip
    assert (ONE.anniversary_day, ONE.maintenance.notice_hours) == (1, 0)
    assert ONE.maintenance.cap_hours_per_month is None
    assert ONE.exclusions.customer is False
    assert ONE.exclusions.force_majeure is False
    assert ONE.exclusions.waiting_for_customer is False


@pytest.mark.parametrize("step", ["0", "0.001", "0.01", "0.05", "0.1", "0.25", "0.5", "0.75", "1"])
def test_a_loss_threshold_is_a_step_of_the_ladder(step: str) -> None:
    found = AvailabilityTerms(
        target_percent="99", up_at_least=1, consecutive=1, loss_threshold=step
    )

    assert found.loss_threshold == Fraction(step)


def test_the_ladder_is_said_where_a_threshold_is_none_of_it() -> None:
    with pytest.raises(ValidationError, match=r"ladder: 0.0, 0.001, 0.01, 0.05, 0.1, 0.25"):
        AvailabilityTerms(target_percent="99", up_at_least=1, consecutive=1, loss_threshold="0.3")


def test_a_day_of_the_month_lies_between_1_and_31() -> None:
    for day in (1, 31):
        assert replace(ONE, anniversary_day=day).anniversary_day == day
    for day in (0, 32):
        with pytest.raises(ValidationError):
            replace(ONE, anniversary_day=day)


def test_days_of_outages_are_no_more_than_a_year() -> None:
    assert OutageTerms(repeat_within_days=366).repeat_within_days == 366
    assert ChronicTerms(outages=2, lasting_seconds=1, within_days=366).within_days == 366
    with pytest.raises(ValidationError):
        OutageTerms(repeat_within_days=367)
    with pytest.raises(ValidationError):
        ChronicTerms(outages=2, lasting_seconds=1, within_days=367)


def test_counts_are_asked_of_metrics_with_a_percentile_in_any_version() -> None:
    old = replace(ONE, objectives=(terms("latency", "p95"), terms("jitter", "mean")))
    new = replace(TWO, objectives=(terms("loss", "p99"), terms("jitter", "maximum")))

    assert distributions_asked({"c": (old, new), "d": (ONE,)}) == {
        "c": frozenset({"latency", "loss"}), "d": frozenset(),
    }  # fmt: skip


TEXT = """\
id: {id}
version: {version}
title: Title
source: here
timezone: UTC
{valid}
availability: {{target_percent: 99, up_at_least: 1, consecutive: {n}}}
"""


def write(folder: Path, name: str, version: int = 1, valid: str = "", **more: Any) -> Path:
    valid = f"valid_from: {valid}" if valid else ""
    known = {"id": "c", "n": 3} | more
    path = folder / f"{name}.yaml"
    path.write_text(TEXT.format(version=version, valid=valid, **known))
    return path


def test_versions_stand_in_their_order_whatever_the_files_are_called(tmp_path: Path) -> None:
    for name, version, valid in (("a", 3, "2026-03-01T00:00:00Z"), ("b", 1, ""),
                                 ("z", 2, "2026-02-01T00:00:00Z")):  # fmt: skip
        write(tmp_path, name, version, valid)
    write(tmp_path, "other", id="b")
    (tmp_path / "notes.txt").write_text("nothing")

    found = load_contracts(tmp_path)

    assert list(found) == ["b", "c"]
    assert [one.version for one in found["c"]] == [1, 2, 3]


def test_one_contract_is_asked_for_and_no_more(tmp_path: Path) -> None:
    mine, later = write(tmp_path, "a"), write(tmp_path, "b", 2, "2026-02-01T00:00:00Z")
    another = write(tmp_path, "o", id="o")

    assert [one.version for one in one_contract(mine, later)] == [1, 2]
    with pytest.raises(ConfigError, match="2 contracts"):
        one_contract(mine, another)
    with pytest.raises(ConfigError, match="0 contracts"):
        one_contract()


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (("", 1), ("", 2), "does not start after version 1"),
        (("2026-02-01T00:00:00Z", 1), ("2026-02-01T00:00:00Z", 2), "does not start after"),
        (("2026-03-01T00:00:00Z", 1), ("2026-02-01T00:00:00Z", 2), "does not start after"),
        (("", 1), ("2026-02-01T00:00:00Z", 1), "version 1 of contract 'c' stands twice"),
    ],
)
def test_a_version_starts_after_the_one_before(
    tmp_path: Path, first: tuple[str, int], second: tuple[str, int], said: str
) -> None:
    files = [write(tmp_path, name, number, valid) for name, (valid, number) in
             (("a", first), ("b", second))]  # fmt: skip

    with pytest.raises(ConfigError, match=said) as caught:
        load_versions(files)
    line = 2 if "twice" in said or not second[0] else 6
    assert f"b.yaml:{line}" in str(caught.value)


@pytest.mark.parametrize(
    ("valid", "consecutive", "refused"),
    [
        ("2026-02-01T00:00:00Z", 4, False), ("2026-02-01T00:00:01Z", 4, True),
        ("2026-01-31T23:59:59Z", 4, True), ("2026-02-15T00:00:00Z", 3, False),
    ],
)  # fmt: skip
def test_how_seconds_are_judged_changes_at_a_month_start_only(
    tmp_path: Path, valid: str, consecutive: int, refused: bool
) -> None:
    files = write(tmp_path, "a"), write(tmp_path, "b", 2, valid, n=consecutive)
    if not refused:
        assert len(load_versions(files)["c"]) == 2
        return
    with pytest.raises(ConfigError, match="changes consecutive inside a month") as caught:
        load_versions(files)
    assert "b.yaml:7" in str(caught.value)


def test_a_key_that_stands_nowhere_is_told_at_the_first_line(tmp_path: Path) -> None:
    text = TEXT.format(id="c", version=2, valid="valid_from: 2026-02-15T00:00:00Z", n=3)
    (tmp_path / "b.yaml").write_text(text + "maintenance: {notice_hours: 5}\n")
    plain = write(tmp_path, "a")
    with pytest.raises(ConfigError, match="changes maintenance") as caught:
        load_versions([plain, tmp_path / "b.yaml"])
    assert "b.yaml:8" in str(caught.value)
    (tmp_path / "b.yaml").write_text(text)
    plain.write_text(plain.read_text() + "maintenance: {notice_hours: 5}\n")
    with pytest.raises(ConfigError, match="changes maintenance") as caught:
        load_versions([plain, tmp_path / "b.yaml"])
    assert "b.yaml:1:" in f"{caught.value}:"


LIMITED = """
objectives:
  - {name: a, metric: throughput_rx, statistic: mean, limit: 8, bound: BOUND}
  - {name: b, metric: latency, statistic: mean, limit: 9}
credit:
  - {basis: availability_percent, bands: [[99, 0], [0, 100]]}
  - {basis: exceedance_percent, objective: OBJECTIVE, limit: LIMIT, bands: [[0, 0], [5, 5]]}
"""


@pytest.mark.parametrize(
    ("bound", "objective", "limit", "said"),
    [
        ("at_most", "a", 8, None), ("at_most", "b", 9, None), ("at_least", "b", 9, None),
        ("at_least", "a", 8, "must not fall below its limit"),
        ("at_most", "c", 8, "'c' is none"), ("at_most", "a", 9, "is not the objective's limit"),
        ("at_most", "b", 8, "is not the objective's limit"),
    ],
)  # fmt: skip
def test_a_credit_by_exceedance_is_of_an_objective_and_its_limit(
    tmp_path: Path, bound: str, objective: str, limit: int, said: str | None
) -> None:
    path = write(tmp_path, "a")
    more = LIMITED.replace("BOUND", bound).replace("OBJECTIVE", objective)
    path.write_text(path.read_text() + more.replace("LIMIT", str(limit)))
    if said is None:
        assert load_versions([path])
        return
    with pytest.raises(ConfigError, match=said):
        load_versions([path])
