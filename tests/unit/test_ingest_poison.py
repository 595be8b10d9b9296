"""Who is suspected, who is blamed, and that all others are read."""

import os
from pathlib import Path

import duckdb
import pytest

from ingest.poison import NOTE_NAME, InFlight, Suspicion, after_commit, after_start, of_input
from linksla.errors import StoreError, StreamError

POISON = (2, 137)


def lives(folder: Path, poison: tuple[int, int] | None, ends: dict[int, int]) -> tuple[int, set]:
    """Read all partitions to their ends in polls of 50, dying at the poison; return (kills, read).

    Dies by forgetting the object, as a SIGKILL does: nothing is closed in order.
    """
    stored: dict[int, int] = dict.fromkeys(ends, 0)
    read: set[tuple[int, int]] = set()
    for kills in range(100):
        guard = InFlight(folder)
        guard.start(stored)
        while stored != ends:
            polled = {p: min(stored[p] + 50, end) for p, end in ends.items() if stored[p] < end}
            allowed = guard.admit(polled)
            now = {
                (p, offset) for p, end in allowed.items() for offset in range(stored[p], end)
            }  # fmt: skip
            if poison in now - set(guard.blamed):
                break
            assert now, "nothing may be read"
            read |= now - set(guard.blamed)
            stored |= {p: max(end, stored[p]) for p, end in allowed.items()}
            guard.committed(stored)
        else:
            guard.ended()
            return kills, read
    raise AssertionError("it never ends")


def test_the_one_message_that_ends_the_process_is_found_and_all_others_are_read(
    tmp_path: Path,
) -> None:
    ends = {1: 300, 2: 400, 3: 60}

    kills, read = lives(tmp_path, POISON, ends)

    assert read == {(p, n) for p, end in ends.items() for n in range(end)} - {POISON}
    assert kills <= 2 + 8 + 2, "halving 150 messages takes 8 lives, and two more are alone"


@pytest.mark.parametrize("poison", [(1, 0), (3, 59), (2, 399), (1, 49), (1, 50)])
def test_it_is_found_wherever_it_lies(tmp_path: Path, poison: tuple[int, int]) -> None:
    ends = {1: 300, 2: 400, 3: 60}

    _, read = lives(tmp_path, poison, ends)

    assert read == {(p, n) for p, end in ends.items() for n in range(end)} - {poison}


def test_a_stream_without_poison_is_never_suspected(tmp_path: Path) -> None:
    assert lives(tmp_path, None, {0: 500}) == (0, {(0, n) for n in range(500)})


def test_one_kill_changes_nothing_but_is_remembered() -> None:
    first = after_start(Suspicion(), {0: 100}, {0: 150})

    assert (first.kills, first.suspects, first.careful) == (1, {0: (100, 150)}, False)
    assert after_commit(first, {0: 150}) == Suspicion()


def test_two_kills_at_different_messages_suspect_nobody() -> None:
    first = after_start(Suspicion(), {0: 100}, {0: 150})
    second = after_start(first, {0: 150}, {0: 200})

    assert (second.kills, second.careful) == (1, False)


def test_only_what_was_in_flight_both_times_is_suspect() -> None:
    first = after_start(Suspicion(), {0: 100, 1: 0}, {0: 150, 1: 9})
    second = after_start(first, {0: 120, 1: 9}, {0: 170})

    assert second.suspects == {0: (120, 150)}
    assert second.tried == {0: (120, 135)}


def test_kills_from_outside_blame_nobody_when_the_suspects_are_then_read() -> None:
    state = Suspicion()
    for _ in range(5):
        state = after_start(state, {0: 0}, {0: max(state.tried.get(0, (0, 64))[1], 1)})
    assert state.careful

    assert after_commit(state, {0: 64}) == Suspicion()


def test_a_message_is_blamed_only_after_two_kills_alone() -> None:
    state = Suspicion({0: (7, 8)}, kills=2, tried={0: (7, 8)})

    once = after_start(state, {0: 7}, {0: 8})
    twice = after_start(once, {0: 7}, {0: 8})

    assert once.blamed == ()
    assert twice == Suspicion(blamed=((0, 7),))
    assert after_commit(twice, {0: 8}) == Suspicion()


def test_an_end_in_order_is_no_kill(tmp_path: Path) -> None:
    guard = InFlight(tmp_path)
    guard.start({0: 0})
    guard.admit({0: 50})
    guard.ended(StreamError("kafka is gone"))

    after = InFlight(tmp_path)
    after.start({0: 0})

    assert after.admit({0: 50}) == {0: 50}
    assert not (tmp_path / "suspects.json").exists()


@pytest.mark.parametrize(
    ("cause", "expected"),
    [(duckdb.IOException("disk full"), False), (duckdb.FatalException("x"), False),
     (OSError(28, "x"), False), (duckdb.ConversionException("bad"), True), (None, False)],
)  # fmt: skip
def test_a_failed_write_counts_when_input_may_be_the_cause(
    cause: Exception | None, expected: bool
) -> None:
    failure = StoreError("a write failed")
    failure.__cause__ = cause

    assert of_input(failure) is expected
    assert of_input(None) is False
    assert of_input(RecursionError()) is True


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xff"])
def test_a_damaged_note_blames_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NOTE_NAME).write_bytes(content)
    (tmp_path / "suspects.json").write_bytes(content)

    guard = InFlight(tmp_path)
    guard.start({0: 5})

    assert guard.admit({0: 9}) == {0: 9}


def test_a_note_that_shrinks_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    many = {partition: 2**62 for partition in range(100)}
    guard = InFlight(tmp_path)
    guard.start({})
    guard.admit(many)
    assert os.path.getsize(tmp_path / NOTE_NAME) > 1_000

    guard.ended()

    assert (tmp_path / NOTE_NAME).read_bytes().strip() == b"{}"
