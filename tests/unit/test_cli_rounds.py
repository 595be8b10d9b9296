"""Rounds of judging are short, and nobody waits for ever."""

import pytest

from cli.rounds import (
    CIRCUITS_FIRST,
    CIRCUITS_MIN,
    OLD_SECONDS,
    ROUND_SECONDS,
    SHARE_BEHIND_MAX,
    SHARE_MAX,
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


def test_the_longest_due_comes_first_and_keeps_its_place() -> None:
    rounds = Rounds([])
    rounds.touch(["b"])
    rounds.touch(["a", "b"])

    assert rounds.next() == ("b", "a")


def test_a_slow_round_makes_the_next_one_small_and_a_quick_one_larger_by_and_by() -> None:
    rounds = Rounds(NAMES)
    first = rounds.next()
    assert len(first) == CIRCUITS_FIRST

    rounds.judged(first, 10 * ROUND_SECONDS)
    assert len(rounds.next()) == CIRCUITS_MIN

    rounds.judged(rounds.next(), 0.0)
    assert len(rounds.next()) == 2 * CIRCUITS_MIN


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
    ("waits", "age", "share"),
    [
        (True, OLD_SECONDS, SHARE_MAX),  # a full queue behind a commit: nothing is late
        (True, OLD_SECONDS + 0.001, SHARE_BEHIND_MAX),
        (False, 3_600.0, SHARE_MAX),  # a stream that was silent for an hour
        (True, -2.0, SHARE_MAX),  # the broker's clock runs ahead
    ],
)
def test_judging_waits_for_samples_only_where_these_are_old(
    waits: bool, age: float, share: float
) -> None:
    assert judging_share(samples_wait=waits, age_seconds=age) == share
