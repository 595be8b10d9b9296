"""The whole job on a fixed seed: every second of every bucket equals the truth."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from cli.once import _comparison, count_differences
from simulator.truth import truth
from simulator.worlds import once_world

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, kafka) -> tuple[int, str, Path]:
    """Run `linksla demo --once` as a user would; `kafka` first, so that its absence is named."""
    out = tmp_path_factory.mktemp("once")
    ran = subprocess.run(
        [sys.executable, "-m", "cli.main", "demo", "--once", "--out", str(out)],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr, out


@pytest.mark.kafka
def test_every_second_of_every_bucket_equals_the_truth(done: tuple[int, str, Path]) -> None:
    code, said, out = done
    summary = json.loads((out / "summary.json").read_text())
    months = [
        month for circuit in summary["circuits"].values() for month in circuit["months"].values()
    ]

    assert (code, summary["equal"]) == (0, True), said
    assert "every second equals the truth" in said
    assert len(months) >= 20
    assert all(
        month["answer"][key] == month["truth"][key]
        for month in months
        for key in ("period", "seconds", "as_experienced_seconds", "bad_but_not_down_seconds")
    )
    assert all(
        sum(month["answer"]["seconds"].values()) == month["answer"]["period"]["seconds"]
        for month in months
    )


@pytest.mark.kafka
def test_the_world_has_something_of_everything(done: tuple[int, str, Path]) -> None:
    summary = json.loads((done[2] / "summary.json").read_text())
    answers = [
        month["answer"]
        for circuit in summary["circuits"].values()
        for month in circuit["months"].values()
    ]
    total = {
        bucket: sum(answer["seconds"][bucket] for answer in answers)
        for bucket in ("up", "down", "excluded", "unmeasured")
    }
    verdicts = {one["verdict"] for answer in answers for one in answer["objectives"]}

    assert all(total.values())
    assert {"met", "breached", "not_assessable"} <= verdicts
    assert summary["counts"]["ledger"].keys() >= {"late", "duplicate", "rejected"}


@pytest.mark.kafka
def test_the_report_says_the_same_numbers(done: tuple[int, str, Path]) -> None:
    out = done[2]
    summary = json.loads((out / "summary.json").read_text())
    answer = summary["circuits"]["DEN-1"]["months"]["2025-11"]["answer"]
    document = pypdfium2.PdfDocument(out / "acme-2025-11.pdf")
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    table = (out / "acme-2025-11.circuits.csv").read_text()

    assert answer["availability"]["contractual"] in text
    assert f"{answer['seconds']['down']:,}" in text
    assert str(answer["seconds"]["up"]) in table


def test_one_second_in_the_wrong_bucket_is_a_difference() -> None:
    world = once_world()
    month = truth(world, world.end_s).months["DEN-1"]["2025-10"]
    moved = replace(month, up=month.up + 1, down=month.down - 1)

    assert _comparison("DEN-1", "2025-10", month.to_json(), month.to_json()).differences == ()
    assert _comparison("DEN-1", "2025-10", month.to_json(), moved.to_json()).differences != ()


def test_a_miscounted_sample_is_a_difference() -> None:
    world = once_world()
    true = truth(world, world.end_s)
    right = {
        "late": true.counts.late,
        "duplicate": true.counts.duplicate,
        "rejected": sum(true.counts.rejected.values()),
    }

    assert count_differences(right, true) == []
    assert count_differences({**right, "late": right["late"] + 1}, true) != []
