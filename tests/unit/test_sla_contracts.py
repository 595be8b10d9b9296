"""Contracts and maintenance files: what loads, and what is refused with file and line."""

from fractions import Fraction
from pathlib import Path

import pytest

from linksla.errors import ConfigError
from sla.contracts import contract_at, load_contracts
from sla.maintenance import load_maintenance
from sla.schedules import PercentBands

GOOD = """\
id: c
version: 1
title: Title
source: here
timezone: America/Denver
availability: {target_percent: 99.99, up_at_least: 3, consecutive: 10}
objectives:
  - {name: latency p95, metric: latency, statistic: p95, limit: 8}
credit:
  basis: availability_percent
  bands: [[99.99, 0], [99.0, 10], [95.0, 25], [0, 100]]
"""


def write(folder: Path, *texts: str) -> Path:
    for number, text in enumerate(texts):
        (folder / f"c{number}.yaml").write_text(text)
    return folder


def refused(folder: Path, *texts: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_contracts(write(folder, *texts))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_good_contract_loads_exactly(tmp_path: Path) -> None:
    (contract,) = load_contracts(write(tmp_path, GOOD))["c"]

    assert contract.availability.target_percent == Fraction(9999, 100)
    (schedule,) = contract.credit
    assert isinstance(schedule, PercentBands)
    assert schedule.bands[1] == (Fraction(99), Fraction(10))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("99.99, 0]", "99.99, 20]", 11, "credit falls"),
        ("[99.0, 10]", "[99.995, 10]", 11, "overlap"),
        ("[0, 100]", "[1, 100]", 11, "must start at 0"),
        ("America/Denver", "America/Nowhere", 5, "no time zone"),
        ("America/Denver", "../../etc/passwd", 5, "no time zone"),
        ("consecutive: 10", "consecutive: 0", 6, "greater than or equal to 1"),
        ("up_at_least: 3", "up_at_least: 0", 6, "greater than or equal to 1"),
        ("consecutive: 10", "consecutive: 10, loss_threshold: 0.3", 6, "step of the ladder"),
        ("99.99, up", "100.1, up", 6, "between 0 and 100"),
        ("limit: 8", "limit: 1/0", 8, "no exact number"),
        ("limit: 8", "limit: 1e999999999", 8, "no exact number"),
        ("statistic: p95", "statistic: p100", 8, "a percentile between 0 and 100"),
        ("statistic: p95", "statistic: p0", 8, "a percentile between 0 and 100"),
        ("statistic: p95", "statistic: median", 8, "a percentile between 0 and 100"),
        ("limit: 8", "limit: 8, bound: at_least", 8, "bound is for throughput"),
        ("limit: 8", "limit: 1, relative_to_bandwidth: true", 8, "is for throughput"),
        ("limit: 8", "limit: 8, jitter_kind: pdv", 8, "jitter_kind is for jitter"),
        ("name: latency p95", "name: availability", 7, "one name"),
        ("metric: latency", "metric: jitter, jitter_kind: other", 8, "ipdv"),
        ("basis: availability_percent", "basis: availability", 10, "availability_percent"),
        ("credit:", "payout: {currency: usd}\ncredit:", 9, "three capital letters"),
        ("credit:", "payout: {claim_within_days: 0}\ncredit:", 9, "greater than or equal to 1"),
    ],
)
def test_a_fault_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in GOOD

    text = refused(tmp_path, GOOD.replace(old, new))

    assert f"c0.yaml:{line}: " in text
    assert said in text


def test_versions_are_ordered_and_the_one_in_force_is_found(tmp_path: Path) -> None:
    second = GOOD.replace("version: 1", "version: 2\nvalid_from: 2026-02-01T07:00:00Z")
    versions = load_contracts(write(tmp_path, second, GOOD))["c"]

    assert [contract.version for contract in versions] == [1, 2]
    assert contract_at(versions, 1_769_929_199).version == 1
    assert contract_at(versions, 1_769_929_200).version == 2


MID_MONTH = "version: 2\nvalid_from: 2026-02-15T12:00:00Z"


def test_targets_objectives_credit_and_payout_may_change_inside_a_month(tmp_path: Path) -> None:
    later = GOOD.replace("version: 1", MID_MONTH).replace(
        "target_percent: 99.99", "target_percent: 99"
    )
    later = later.replace("limit: 8", "limit: 9").replace("[99.0, 10]", "[99.0, 20]")
    later += "payout: {currency: USD, minimum_amount: 1}\n"

    versions = load_contracts(write(tmp_path, GOOD, later.replace("[95.0, 25]", "[95.0, 30]")))["c"]

    assert [contract.availability.target_percent for contract in versions] == [
        Fraction(9999, 100),
        99,
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("up_at_least: 3", "up_at_least: 2", 7, "changes up_at_least inside a month"),
        ("consecutive: 10", "consecutive: 3", 7, "changes consecutive inside a month"),
        ("America/Denver", "UTC", 6, "changes timezone inside a month"),
        ("objectives:", "anniversary_day: 10\nobjectives:", 8, "changes anniversary_day inside"),
        ("objectives:", "maintenance: {notice_hours: 1}\nobjectives:", 8, "changes maintenance"),
    ],
)
def test_how_seconds_are_judged_may_not_change_inside_a_month(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    later = GOOD.replace("version: 1", MID_MONTH).replace(old, new)

    text = refused(tmp_path, GOOD, later)

    assert f"c1.yaml:{line}: " in text
    assert said in text


def test_a_month_start_may_change_k_and_n(tmp_path: Path) -> None:
    later = GOOD.replace("version: 1", "version: 2\nvalid_from: 2026-02-01T07:00:00Z")
    later = later.replace("up_at_least: 3, consecutive: 10", "up_at_least: 1, consecutive: 3")

    assert len(load_contracts(write(tmp_path, GOOD, later))["c"]) == 2


EXCEEDANCE = (
    GOOD[: GOOD.index("credit:")]
    + """\
credit:
  basis: exceedance_percent
  objective: latency p95
  limit: 8
  bands: [[0, 0], [10, 10]]
"""
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  objective: latency p95\n", "", "must name an objective"),
        ("objective: latency p95", "objective: jitter", "'jitter' is none"),
        ("  limit: 8\n", "  limit: 9\n", "is not the objective's limit"),
    ],
)
def test_a_credit_by_exceedance_follows_from_an_objective(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert load_contracts(write(tmp_path, EXCEEDANCE))

    text = refused(tmp_path, EXCEEDANCE.replace(old, new))

    assert "c0.yaml:9: " in text
    assert said in text


def test_versions_that_do_not_follow_each_other_are_refused(tmp_path: Path) -> None:
    twice = refused(tmp_path, GOOD, GOOD)
    (tmp_path / "c1.yaml").write_text(GOOD.replace("version: 1", "version: 2"))

    assert "stands twice" in twice
    with pytest.raises(ConfigError, match="does not start after version 1"):
        load_contracts(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no contract"):
        load_contracts(tmp_path)
    with pytest.raises(ConfigError, match="is not a folder"):
        load_contracts(tmp_path / "none")


def test_the_contracts_that_are_shipped_load() -> None:
    folder = Path(__file__).parents[2] / "config" / "contracts"

    found = load_contracts(folder)

    assert len(found) >= 3
    assert all(contract.source for versions in found.values() for contract in versions)


WINDOW = """\
windows:
  - id: W1
    circuit: A
    start: 2026-01-01T00:00:00Z
    end: 2026-01-01T01:00:00Z
    announced_at: 2025-12-01T00:00:00Z
    proposed_by: carrier
    reason: work
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    circuit: A\n", "", "a circuit or a site"),
        ("circuit: A", "circuit: A\n    site: Denver", "a circuit or a site"),
        ("circuit: A", "site: Denver\n    channel: ch1", "has a channel but no circuit"),
        ("end: 2026-01-01T01", "end: 2026-01-01T00", "does not end after its start"),
        ("end: 2026-01-01T01:00:00Z", "end: 2026-01-01T01:00:00", "has no offset"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "maintenance.yaml"
    path.write_text(WINDOW.replace(old, new))

    with pytest.raises(ConfigError, match=said) as caught:
        load_maintenance(path)
    assert "maintenance.yaml:" in caught.value.where


def test_a_second_window_of_one_id_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "maintenance.yaml"
    path.write_text(WINDOW + WINDOW.removeprefix("windows:\n"))

    with pytest.raises(ConfigError, match="stands twice") as caught:
        load_maintenance(path)
    assert caught.value.where.endswith(":9")


def test_a_missing_maintenance_file_means_none(tmp_path: Path) -> None:
    assert load_maintenance(tmp_path / "none.yaml") == ()
