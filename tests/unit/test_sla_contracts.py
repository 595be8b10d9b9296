"""Contracts and maintenance files: what loads, and what is refused with file and line."""

from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from linksla.errors import ConfigError
from sla.contracts import contract_at, load_contracts
from sla.credits import bands_fault, credit_percent, percent, ranges_fault
from sla.maintenance import load_maintenance

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
    assert contract.credit is not None
    assert contract.credit.bands[1] == (Fraction(99), Fraction(10))


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
        ("metric: latency, statistic: p95", "metric: loss, statistic: p95", 7, "mean and maximum"),
        ("name: latency p95", "name: availability", 7, "one name"),
        ("version: 1", "version: 1\nvalid_from: 2026-02-02T07:00:00Z", 3, "contract month"),
    ],
)
def test_a_fault_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in GOOD

    text = refused(tmp_path, GOOD.replace(old, new))

    assert f"c0.yaml:{line}: " in text
    assert said in text


def test_every_schedule_that_must_be_refused_is_refused_with_a_reason(
    tmp_path: Path, vectors
) -> None:
    for case in vectors("credits")["must_be_refused"]:
        if not case["basis"].startswith("availability_percent"):
            continue
        schedule = {key: value for key, value in case.items() if key != "why"}
        text = GOOD[: GOOD.index("credit:")] + yaml.safe_dump({"credit": schedule})

        said = refused(tmp_path, text)

        assert "c0.yaml:" in said, case
        assert any(word in said for word in ("hole", "overlap", "falls", "start at 0")), said


def test_every_case_of_the_percent_bands_agrees(vectors) -> None:
    known = vectors("credits")
    judged = 0
    for case in known["cases"]:
        schedule = known["schedules"][case["schedule"]]
        if schedule["basis"] != "availability_percent":
            continue
        bands = [(Fraction(str(low)), Fraction(str(share))) for low, share in schedule["bands"]]
        up, down = case["up_seconds"], case["down_seconds"]

        found = credit_percent(bands, Fraction(up, up + down) * 100)

        assert bands_fault(bands) is None
        assert found == Fraction(str(case["expect_percent"])), case
        judged += 1
    assert judged > 20


def test_ranges_that_touch_are_refused_too() -> None:
    rows = [[Fraction(100), Fraction(99), Fraction(0)], [Fraction(99), Fraction(0), Fraction(10)]]

    assert "two ends" in ranges_fault(rows)


def test_percent_is_exact_where_it_ends_and_rounded_once_where_not() -> None:
    assert percent(Fraction(10)) == "10"
    assert percent(Fraction("99.99")) == "99.99"
    assert percent(Fraction(100, 30)) == "3.33333"


def test_versions_are_ordered_and_the_one_in_force_is_found(tmp_path: Path) -> None:
    second = GOOD.replace("version: 1", "version: 2\nvalid_from: 2026-02-01T07:00:00Z")
    versions = load_contracts(write(tmp_path, second, GOOD))["c"]

    assert [contract.version for contract in versions] == [1, 2]
    assert contract_at(versions, 1_769_929_199).version == 1
    assert contract_at(versions, 1_769_929_200).version == 2


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
