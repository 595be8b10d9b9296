"""What the writer holds of a commit is only given to who sees that commit."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linksla.clock import ManualClock
from linksla.errors import StoreError
from linksla.meters import Meters
from linksla.model import Gap
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.held import Commits, Held, Indexes, Slots, _rows_in
from processors.observations import Int64, Observations
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


def part_of(tracks: Int64) -> Observations:
    return Observations(tracks, *(np.arange(len(tracks)) for _ in range(4)))


def found(part: Observations, slots: Slots, keys: list[int]) -> list[int]:
    wanted = np.zeros(1_000, np.bool_)
    wanted[keys] = True
    rows = _rows_in(part.track, slots.begins, slots.rows, min(keys), max(keys), wanted)
    return rows.tolist()


@given(
    st.lists(st.integers(0, 999), max_size=300),
    st.lists(st.integers(0, 999), min_size=1, max_size=6),
)
def test_rows_found_by_an_index_are_those_that_looking_at_all_finds(
    tracks: list[int], keys: list[int]
) -> None:
    part = part_of(np.array(tracks, np.int64))
    expected = [row for row, track in enumerate(tracks) if track in keys]
    assert found(part, Slots.of(part), keys) == expected


def test_an_index_is_made_once_and_forgotten_with_its_part() -> None:
    indexes = Indexes()
    kept, gone = part_of(np.array([3, 1, 3])), part_of(np.array([1, 3]))
    before = indexes.of(kept)
    indexes.of(gone)
    assert indexes.of(kept) is before

    indexes.keep([part_of(np.array([3])), kept])

    assert indexes.of(kept) is before
    assert list(indexes._known) == [id(kept)]


def test_one_circuit_and_all_circuits_are_given_the_same_of_each(store: TelemetryStore) -> None:
    commits = Commits()
    circuits = [circuit(f"C{n}", channels=("a", "b")) for n in range(2_200)]
    writer = FailingWriter(
        store, inventory(*circuits), TOPIC, TimeSettings(), ManualClock(), Meters(),
        commits=commits,
    )  # fmt: skip
    writer.start()
    few = ("C0", "C1", "C1100", "C2199")
    samples = [
        at(n, circuit_id=name, channel=channel, sequence=n)
        for n in range(5) for name in few for channel in "ab"
    ]  # fmt: skip
    for number in range(2):
        writer.write(poll_of(numbered(samples[number::2], number * 100)))
    with store.reader() as cursor:
        held = commits.shown_by(cursor)
    assert held is not None
    every = held.waiting(held_stands(held).channel_key)
    assert len(every) == len(samples)
    for name in few:
        keys = held_stands(held, [name]).channel_key
        one = held.waiting(keys)
        expected = every.take(np.isin(every.track, keys))
        assert one.track.tolist() == expected.track.tolist()
        assert one.observed_at_us.tolist() == expected.observed_at_us.tolist()


def test_how_often_complete_cells_were_folded_again_is_counted_by_channel(
    store: TelemetryStore,
) -> None:
    commits = Commits()
    writer = writer_with(store, commits)

    def held() -> Held:
        found = commits.shown_by(store.writer)
        assert found is not None
        return found

    (x, *rest), (y, *_) = (held().registered.keys[name] for name in "XY")
    assert held().reworked([x, *rest, y]) == 0
    for number in range(4):
        write(writer, number)
    before = held()
    assert before.reworked([x]) == 0, "in order"

    writer.write(poll_of(numbered([at(15, sequence=9, bgp_state=1)], 9)))
    assert (held().reworked([x]), held().reworked([y, *rest])) == (1, 0)
    assert held().reworked([x, x]) == 2
    assert before.reworked([x]) == 0, "an older commit stays as it is"
    write(writer, 5)
    assert held().reworked([x]) == 1
    commits.drop()
    write(writer, 6)
    assert (held().reworked([x]), held().reworked([y])) == (2, 1), "of what is dropped, all"


def test_it_is_counted_how_often_a_channel_was_counted_in_the_ledger(
    store: TelemetryStore,
) -> None:
    commits = Commits()
    writer = writer_with(store, commits)

    def noted(*keys: int) -> int:
        found = commits.shown_by(store.writer)
        assert found is not None
        return found.noted(keys)

    held = commits.shown_by(store.writer)
    assert held is not None
    (x, *rest), (y, *_) = (held.registered.keys[name] for name in "XY")
    for number in range(4):
        write(writer, number)
    assert noted(x, *rest, y) == 0, "in order"

    twice = [at(130, sequence=8), at(130, sequence=8)]
    for number, wanted in ((8, 1), (10, 2)):  # the second time both are known
        writer.write(poll_of(numbered(twice, number)))
        assert (noted(x), noted(*rest), noted(y)) == (wanted, 0, 0)
    write(writer, 12)
    assert noted(x) == 2
    commits.drop()
    write(writer, 13)
    assert (noted(x), noted(y)) == (3, 1), "of what is dropped, all"
