"""A target with no mutant alive is done until its text, mutants or what is accepted change."""

from pathlib import Path

import pytest

from benchmarks.mutants_seen import as_recorded, record, recorded, state

COUNTS = {"killed": 3, "timeout": 1}


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen.yaml"


def test_a_recorded_target_is_done_and_says_its_counts(seen: Path) -> None:
    record("bands", "12345e67", COUNTS, seen)  # a text, though it looks like a number
    assert as_recorded("bands", "12345e67", seen) == "3 killed, 1 timeout"


def test_a_target_of_another_state_or_without_a_line_is_not_done(seen: Path) -> None:
    assert as_recorded("bands", "a", seen) is None
    record("bands", "a", COUNTS, seen)
    assert as_recorded("bands", "b", seen) is None
    assert as_recorded("judge", "a", seen) is None


def test_targets_stand_sorted_one_line_each_and_a_later_run_takes_the_place(seen: Path) -> None:
    record("judge", "a", COUNTS, seen)
    record("bands", "b", {"equivalent": 2, "killed": 61}, seen)
    record("judge", "c", COUNTS, seen)
    header, *lines = seen.read_text().splitlines()
    assert header.startswith("#")
    assert lines == [
        "bands: {equivalent: 2, killed: 61, state: b}",
        "judge: {killed: 3, state: c, timeout: 1}",
    ]


def test_lines_that_two_merged_branches_left_unsorted_are_read(seen: Path) -> None:
    seen.write_text("judge: {state: a, killed: 1}\nbands: {state: b, killed: 2}\n")
    assert as_recorded("bands", "b", seen) == "2 killed"
    assert recorded(seen).keys() == {"judge", "bands"}


def test_the_state_hangs_on_text_mutants_and_those_accepted() -> None:
    now = state("x = 1", ["k1", "k2"], ["k2"])
    assert state("x = 1", ["k2", "k1"], ["k2"]) == now
    assert state("x = 2", ["k1", "k2"], ["k2"]) != now
    assert state("x = 1", ["k1", "k2", "k3"], ["k2"]) != now
    assert state("x = 1", ["k1", "k2"], []) != now
    assert state("x = 1", ["k1", "k2"], ["k1"]) != now


def test_an_accepted_mutant_that_is_gone_changes_no_state() -> None:
    assert state("x = 1", ["k1"], ["gone"]) == state("x = 1", ["k1"], [])
