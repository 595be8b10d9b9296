"""Rounds of judging are short, and nobody waits for ever."""

import pytest

from cli.rounds import (
    CIRCUITS_FIRST,
    CIRCUITS_MIN,
    OLD_SECONDS,
    ROUND_SECONDS,
    SHARE_BEHIND_MAX,
    SHARE_MAX,
    SHARE_PATIENT_MAX,
    Rounds,
    judging_share,
)

NAMES = [f"C-{n:04}" for n in range(200)]


def test_everything_due_is_judged_once_though_some_are_touched_all_the_time() -> None:
    rounds = Rounds(NAMES)
    judged: list[str] = []
    while set(judged) != set(NAMES):
        circuits = rounds.next()
        judged += circuits
        rounds.judged(circuits, len(circuits) * 0.01)
        rounds.touch(NAMES[:5])  # always busy
        assert len(judged) < 3 * len(NAMES), "the others starve"


def test_what_presses_comes_before_all_that_waits() -> None:
    rounds = Rounds(NAMES)
    rounds.press([NAMES[150], NAMES[20]])
    rounds.touch([NAMES[20], "other"])

    assert len(rounds) == len(NAMES) + 1
    assert rounds.presses
    assert rounds.next() == (NAMES[20], NAMES[150])
    rounds.judged(rounds.next(), 0.01)
    assert not rounds.presses
    assert rounds.next()[:2] == (NAMES[0], NAMES[1])
    assert len(rounds) == len(NAMES) - 1
    rounds.press(NAMES[:1])
    rounds.press(NAMES[:2])
    assert rounds.next() == (NAMES[0], NAMES[1]), "it keeps its place"


def test_while_some_press_every_fourth_round_is_for_the_others() -> None:
    rounds = Rounds(NAMES)
    kinds = []
    while set(NAMES[5:]) & set(rounds._patient.due):
        rounds.press(NAMES[:5])  # at every poll
        circuits = rounds.next()
        kinds.append(circuits == tuple(NAMES[:5]))
        rounds.judged(circuits, len(circuits) * 0.001)
        assert len(kinds) < 100, "the others starve"

    assert kinds[:8] == [True, True, True, False] * 2


def test_what_takes_long_for_the_first_time_makes_no_round_of_those_that_press_small() -> None:
    rounds = Rounds(NAMES)
    rounds.judged(rounds.next(), 2.0)
    assert len(rounds.next()) == CIRCUITS_MIN

    rounds.press(NAMES[100:])
    assert len(rounds.next()) == CIRCUITS_FIRST
    rounds.judged(rounds.next(), 0.0)
    assert len(rounds.next()) == 2 * CIRCUITS_FIRST, "and the other way round"
    rounds.judged(tuple(NAMES[100:]), 0.1)
    assert len(rounds.next()) == CIRCUITS_MIN


def test_the_longest_due_comes_first_and_keeps_its_place() -> None:
    rounds = Rounds([])
    rounds.touch(["b"])
    rounds.touch(["a", "b"])

    assert rounds.next() == ("b", "a")


def test_a_slow_round_makes_the_next_one_small_and_a_quick_one_larger_by_and_by() -> None:
    rounds = Rounds([])
    rounds.press(NAMES)
    first = rounds.next()
    assert len(first) == CIRCUITS_FIRST

    rounds.judged(first, 10 * ROUND_SECONDS)
    assert len(rounds.next()) == CIRCUITS_MIN

    rounds.judged(rounds.next(), 0.0)
    assert len(rounds.next()) == 2 * CIRCUITS_MIN


def test_those_seen_for_the_first_time_begin_with_a_small_round() -> None:
    assert len(Rounds(NAMES).next()) == CIRCUITS_MIN


def test_a_round_takes_about_a_tenth_of_a_second() -> None:
    rounds = Rounds([f"{n}" for n in range(2_000)])
    for _ in range(20):
        circuits = rounds.next()
        rounds.judged(circuits, len(circuits) * 0.01)
    assert len(rounds.next()) * 0.01 <= ROUND_SECONDS


def test_round_after_round_all_that_was_due_is_judged_once() -> None:
    rounds = Rounds(NAMES)
    judged: list[str] = []
    while len(rounds):
        circuits = rounds.next()
        judged += circuits
        rounds.judged(circuits, 0.1)

    assert judged == sorted(NAMES)
    assert rounds.next() == ()


@pytest.mark.parametrize(
    ("waits", "age", "share", "patient"),
    [
        # a full queue behind a commit: nothing is late
        (True, OLD_SECONDS, SHARE_MAX, SHARE_PATIENT_MAX),
        (True, OLD_SECONDS + 0.001, SHARE_BEHIND_MAX, SHARE_BEHIND_MAX),
        # a stream that was silent for an hour
        (False, 3_600.0, SHARE_MAX, SHARE_PATIENT_MAX),
        # the broker's clock runs ahead
        (True, -2.0, SHARE_MAX, SHARE_PATIENT_MAX),
    ],
)
def test_judging_makes_way_for_old_samples_and_what_may_wait_for_new_ones(
    waits: bool, age: float, share: float, patient: float
) -> None:
    assert SHARE_BEHIND_MAX < SHARE_PATIENT_MAX < SHARE_MAX
    for may_wait, expected in ((False, share), (True, patient)):
        found = judging_share(samples_wait=waits, age_seconds=age, may_wait=may_wait)
        assert found == expected
