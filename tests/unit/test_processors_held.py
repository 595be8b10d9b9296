"""What the writer holds of a commit is only given to who sees that commit."""

from collections.abc import Iterator

import pytest

from linksla.clock import ManualClock
from linksla.errors import StoreError
from linksla.meters import Meters
from linksla.model import Gap
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.held import Commits, Held
from processors.tables import held_stands, stands
from tests.unit.processors_support import at, circuit, inventory, numbered, poll_of
from tests.unit.test_processors_writer import FailingWriter

TOPIC = "link.samples"


@pytest.fixture
def store(tmp_path) -> Iterator[TelemetryStore]:
    made = TelemetryStore(tmp_path / "t.duckdb")
    made.start()
    yield made
    made.close()


def writer_with(store: TelemetryStore, commits: Commits) -> FailingWriter:
    writer = FailingWriter(
        store, inventory(circuit("X"), circuit("Y")), TOPIC, TimeSettings(), ManualClock(),
        Meters(), commits=commits,
    )  # fmt: skip
    writer.start()
    return writer


def write(writer: FailingWriter, number: int) -> None:
    writer.write(poll_of(numbered([at(40 * number)], number)))


def live_to(held: Held | None) -> dict[str, int] | None:
    return None if held is None else held_stands(held).live_to()


def test_each_reader_gets_what_its_own_snapshot_shows(store: TelemetryStore) -> None:
    commits = Commits()
    writer = writer_with(store, commits)
    write(writer, 0)
    with store.reader() as early, store.reader() as late:
        early.execute("begin")
        before = stands(early).live_to()
        write(writer, 1)
        late.execute("begin")

        assert live_to(commits.shown_by(early)) == before == stands(early).live_to()
        assert live_to(commits.shown_by(late)) == stands(late).live_to() != before
        write(writer, 2)
        assert commits.shown_by(early) is None, "only the last two are held"
        assert live_to(commits.shown_by(late)) == stands(late).live_to()
        for cursor in (early, late):
            cursor.execute("rollback")


@pytest.mark.parametrize("point", ["before samples", "after offsets", "before commit"])
def test_a_write_that_fails_is_never_shown(store: TelemetryStore, point: str) -> None:
    commits = Commits()
    writer = writer_with(store, commits)
    write(writer, 0)
    writer.fails_at = point
    with pytest.raises(StoreError, match="injected"):
        write(writer, 5)
    writer.fails_at = ""
    with store.reader() as cursor:
        assert live_to(commits.shown_by(cursor)) == stands(cursor).live_to()
    again = writer_with(store, commits)
    write(again, 1)
    with store.reader() as cursor:
        assert live_to(commits.shown_by(cursor)) == stands(cursor).live_to()


def test_who_opens_a_store_holds_nothing_of_it_until_the_writer_has_started(
    store: TelemetryStore,
) -> None:
    write(writer_with(store, Commits()), 0)
    commits = Commits()
    with store.reader() as cursor:
        assert commits.shown_by(cursor) is None
    writer_with(store, commits)
    with store.reader() as cursor:
        assert live_to(commits.shown_by(cursor)) == stands(cursor).live_to()


def test_a_gap_that_is_accepted_leaves_nothing_of_before(store: TelemetryStore) -> None:
    commits = Commits()
    writer = writer_with(store, commits)
    write(writer, 0)
    with store.reader() as early:
        early.execute("begin")
        assert live_to(commits.shown_by(early)) == stands(early).live_to()
        writer.accept_gaps([Gap(0, 1, 6, 7, None, "expired")])
        assert commits.shown_by(early) is None
        early.execute("rollback")
    with store.reader() as cursor:
        assert live_to(commits.shown_by(cursor)) == stands(cursor).live_to()


def test_only_what_waits_of_the_channels_is_given_in_order(store: TelemetryStore) -> None:
    commits = Commits()
    writer = writer_with(store, commits)
    samples = [at(9 - n, circuit_id=name, sequence=n) for n in range(9) for name in "XY"]
    writer.write(poll_of(numbered(samples)))
    with store.reader() as cursor:
        held = commits.shown_by(cursor)
    assert held is not None
    (key,) = held.named(["Y"])["Y"]

    waiting = held.waiting(held_stands(held, ["Y"]).channel_key)

    assert set(waiting.track.tolist()) == {key}
    assert len(waiting) == 9
    assert waiting.observed_at_us.tolist() == sorted(waiting.observed_at_us.tolist())
    assert held.named(["nobody's"]) == {}
