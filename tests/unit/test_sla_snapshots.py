"""One snapshot for all questions of a page, and what is remembered of a large network."""

import threading

import duckdb
import pytest

from linksla.clock import ManualClock
from sla.answers import Freshness
from sla.fresh import FreshnessMemory
from sla.scope import AllCustomers
from sla.snapshots import Snapshots

EVERYONE = AllCustomers(commercial=False)


def count(snapshots: Snapshots) -> int:
    with snapshots.one() as snapshot:
        ((rows,),) = snapshot.cursor.execute("select count(*) from ledger").fetchall()
    return int(rows)


def fail(snapshots: Snapshots) -> None:
    with snapshots.one() as snapshot:
        snapshot.memory["read"] = 1
        snapshot.cursor.execute("select error('broken')").fetchall()


def add_line(store) -> None:
    store.writer.execute(
        "insert into ledger values ('late', 'X', 'ch1', 1, 1, null, null, null, null, '')"
    )


def test_what_is_held_does_not_see_what_is_written_meanwhile(memory_store) -> None:
    snapshots = Snapshots(memory_store)
    with snapshots.hold():
        assert count(snapshots) == 0
        add_line(memory_store)
        assert count(snapshots) == 0
    assert count(snapshots) == 1


def test_another_thread_does_not_share_what_is_held(memory_store) -> None:
    snapshots = Snapshots(memory_store)
    seen = []
    with snapshots.hold():
        assert count(snapshots) == 0
        add_line(memory_store)
        thread = threading.Thread(target=lambda: seen.append(count(snapshots)))
        thread.start()
        thread.join()
    assert seen == [1]


def test_a_statement_that_fails_spoils_only_its_own_question(memory_store) -> None:
    snapshots = Snapshots(memory_store)
    with snapshots.hold():
        with pytest.raises(duckdb.Error):
            fail(snapshots)
        assert count(snapshots) == 0
        with snapshots.one() as snapshot:
            assert snapshot.memory == {}


class SlowAnswers:
    """Finds out how many times it was asked, in as many seconds as told."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self.asked = 0
        self.done = threading.Condition()

    def __call__(self) -> Freshness:
        with self.done:
            self.asked += 1
            self._clock.move_to(self._clock.now_us() + round(self._seconds * 1e6))
            self.done.notify_all()
            return Freshness(self.asked, None, 0, ())


def moved(clock: ManualClock, seconds: float) -> None:
    clock.move_to(clock.now_us() + round(seconds * 1e6))


def test_what_is_quick_is_asked_each_time() -> None:
    clock = ManualClock()
    answers, memory = SlowAnswers(clock, 0.001), FreshnessMemory(clock)

    assert [memory.of(EVERYONE, answers).complete_up_to_s for _ in range(3)] == [1, 2, 3]


def test_what_is_slow_is_a_second_old_at_most_and_renewed_beside_the_question() -> None:
    clock = ManualClock()
    answers, memory = SlowAnswers(clock, 0.15), FreshnessMemory(clock)
    assert memory.of(EVERYONE, answers).complete_up_to_s == 1
    moved(clock, 0.9)
    assert memory.of(EVERYONE, answers).complete_up_to_s == 1
    moved(clock, 0.2)
    with answers.done:
        assert memory.of(EVERYONE, answers).complete_up_to_s == 1  # the renewal is under way
        assert answers.done.wait_for(lambda: answers.asked == 2, 10)
    for thread in threading.enumerate():
        if thread.name == "freshness":
            thread.join(10)
    assert memory.of(EVERYONE, answers).complete_up_to_s == 2


def test_what_is_old_is_asked_anew() -> None:
    clock = ManualClock()
    answers, memory = SlowAnswers(clock, 0.15), FreshnessMemory(clock)
    memory.of(EVERYONE, answers)
    moved(clock, 11)

    assert memory.of(EVERYONE, answers).complete_up_to_s == 2
