"""`linksla test`: shipped contracts behave as their cases say, and a false case is told."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from cli.main import main
from sla.contract_schema import contract_schema

CONTRACTS = Path(__file__).parents[2] / "config" / "contracts"

CONTRACT = """\
id: c
version: 1
title: T
source: here
timezone: UTC
availability: {target_percent: 99.9, up_at_least: 1, consecutive: 3}
credit: {basis: availability_percent, bands: [[99.9, 0], [0, 10]]}
"""

CASES = """\
contract: c.yaml
circuit: {grid_seconds: 60, prices: [{amount: 100, currency: EUR}]}
cases:
  - name: an hour is down
    month: 2026-02
    channels: {a: "G10 B60 G*"}
    expect:
      seconds: {up: 2415600, down: 3600}
      objectives: {availability: breached}
      credit_percent: 10
      credit_amount: "10.00"
"""


def write(folder: Path, text: str) -> str:
    (folder / "c.yaml").write_text(CONTRACT)
    path = folder / "cases.yaml"
    path.write_text(text)
    return str(path)


def test_every_shipped_contract_has_cases_and_all_of_them_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tested = {
        yaml.safe_load(path.read_text())["contract"].removeprefix("../")
        for path in (CONTRACTS / "tests").glob("*.yaml")
    }

    code = main(["test", str(CONTRACTS / "tests")])

    said = capsys.readouterr().out
    assert code == 0, said
    assert tested == {path.name for path in CONTRACTS.glob("*.yaml")}


def test_a_case_that_holds_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", write(tmp_path, CASES)]) == 0
    assert "1 of 1 cases in 1 files are good" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("down: 3600", "down: 3599", "seconds.down: expected 3599, found 3600"),
        ("availability: breached", "availability: met", "expected met, found breached"),
        ("availability: breached", "latency: met", "objectives.latency: expected met, found None"),
        ("credit_percent: 10", "credit_percent: 25", "credit_percent: expected 25, found 10 (10 %"),
        ('"10.00"', '"11.00"', "credit_amount: expected 11.00, found 10.00"),
        ("expect:", "expect:\n      outages: 2", "outages: expected 2, found 1"),
    ],
)
def test_a_false_expectation_is_printed_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert main(["test", write(tmp_path, CASES.replace(old, new))]) == 1

    printed = capsys.readouterr().out
    assert "FAILED" in printed
    assert said in printed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("B60 G*", "B60 X5", "write runs such as"),
        ("B60 G*", "G* B60", "only the last run"),
        ("B60 G*", "B99999", "is longer than 2026-02"),
        ("2026-02", "2026-13", "is not a month"),
        ("expect:", "expects:", "Did you mean 'expect'"),
        ("    expect:", '    loss: {b: "0x*"}\n    expect:', "channels that it does not have"),
        ("c.yaml", "none.yaml", "cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert main(["test", write(tmp_path, CASES.replace(old, new))]) == 2
    assert said in capsys.readouterr().err


def test_the_published_schema_is_the_one_that_the_code_makes() -> None:
    assert (CONTRACTS / "contract.schema.json").read_text() == contract_schema()


def test_editors_accept_what_is_shipped_and_mark_what_is_not_known() -> None:
    judge = jsonschema.Draft202012Validator(json.loads(contract_schema()))
    shipped = {path: yaml.safe_load(path.read_text()) for path in CONTRACTS.glob("*.yaml")}

    for path, body in shipped.items():
        assert list(judge.iter_errors(body)) == [], path
        assert "$schema=contract.schema.json" in path.read_text().splitlines()[0]
        assert list(judge.iter_errors(body | {"tittle": "T"}))
        assert list(judge.iter_errors(body | {"credit": {"basis": "by mood"}}))
