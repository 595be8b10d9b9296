"""Packing a day changes where its blocks lie and nothing else, wherever it is interrupted."""

import random
from collections.abc import Sequence

import pytest

from linksla.errors import StoreError
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.packing import ROWS_A_BLOCK, Packer
from processors.packs import PACK_SECONDS_MAX, Pack, packs_of, place_of, table_of
from sla.readings import read_days
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    at,
    blocks_in,
    circuit,
    numbered,
    placed_blocks,
    poll_of,
    writer_of,
)
from tests.unit.test_processors_blocks import made

CIRCUITS = tuple("ABCDEFG")
CHANNELS = ("a", "b")
A_CIRCUIT = 24 * 4 * ROWS_A_BLOCK


def blocked(store: TelemetryStore, days: int = 2, circuits: Sequence[str] = CIRCUITS) -> None:
    """Have blocks made hour by hour of days and the beginning of another, some hours silent."""
    rng = random.Random(4)
    writer = writer_of(store, *(circuit(name, channels=CHANNELS) for name in circuits))
    samples = [
        at(
            1_800 * step, circuit_id=circuit_id, channel=name,
            latency_us=rng.randrange(1, 30_000), rx_bps=2**60 + step,
        )
        for step in range(2 * 24 * days + 9)
        for circuit_id in circuits
        for name in CHANNELS
        if rng.random() < 0.8
    ]  # fmt: skip
    writer.write(poll_of(numbered(samples)))
    assert made(store, watermark=days * DAY + 3 * 3_600, rows=10**6) > 24 * days


def packed(store: TelemetryStore, rows: int = A_CIRCUIT) -> int:
    packer = Packer(store, lambda _point: None)
    packer.start()
    pieces = 0
    while packer.pack(rows):
        pieces += 1
    return pieces


def beginnings(store: TelemetryStore, from_s: int, to_s: int) -> set[int]:
    """Return where packs begin that hold blocks of a range, as hours of it."""
    return {
        (begins - MIDNIGHT - from_s) // 3_600
        for begins, (_, start_s, *_) in placed_blocks(store)
        if from_s <= start_s - MIDNIGHT < to_s
    }


@pytest.mark.parametrize("rows", [1, 3 * A_CIRCUIT, 10**9])
def test_a_closed_day_of_a_circuit_is_one_pack_and_what_is_in_it_stays(
    memory_store: TelemetryStore, rows: int
) -> None:
    blocked(memory_store)
    before = blocks_in(memory_store)
    assert len(beginnings(memory_store, 0, DAY)) == 24

    packed(memory_store, rows)

    assert blocks_in(memory_store) == before
    assert beginnings(memory_store, 0, DAY) == beginnings(memory_store, DAY, 2 * DAY) == {0}
    ((packs,),) = memory_store.writer.execute(
        "select count(*) from rollup_packs where from_s < $at", {"at": MIDNIGHT + 2 * DAY}
    ).fetchall()
    assert packs == 2 * len(CIRCUITS)


def test_a_day_that_still_gets_blocks_stays_as_it_is(memory_store: TelemetryStore) -> None:
    blocked(memory_store)
    before = beginnings(memory_store, 2 * DAY, 3 * DAY)

    packed(memory_store)

    assert before == {0, 1}
    assert beginnings(memory_store, 2 * DAY, 3 * DAY) == before
    assert packed(memory_store) == 0


def test_pieces_are_as_small_as_they_are_asked_to_be(memory_store: TelemetryStore) -> None:
    blocked(memory_store)
    packer = Packer(memory_store, lambda _point: None)
    packer.start()

    assert 0 < packer.pack(2 * A_CIRCUIT) <= 2 * A_CIRCUIT
    pieces = packed(memory_store)
    places = [place_of(2 * number + 1, MIDNIGHT) for number in range(len(CIRCUITS))]
    assert sorted({place for place, _, _ in stored(memory_store)}) == places
    # what is left of one day, the other, and the end of both: a circuit is two keys
    assert pieces == 6 + 1 + 7 + 1


LONGEST_FROM = -3 * 24  # hours: MIDNIGHT is the fourth of 8 days
LONGEST_TO = 5 * DAY


def read_of(store: TelemetryStore, lower: int, upper: int) -> list[tuple[object, ...]]:
    """Return the blocks of the first circuit that a page reads of whole days."""
    pack = read_days(store.writer, (1, 2), (MIDNIGHT + lower, MIDNIGHT + upper))
    return sorted(zip(*pack.whole.tolist(), pack.lengths.tolist(), strict=True))


def test_eight_closed_days_are_one_pack_and_pages_read_what_they_read_before(
    memory_store: TelemetryStore,
) -> None:
    blocked(memory_store, days=6, circuits="AB")
    ranges = [(0, DAY), (DAY, 4 * DAY), (4 * DAY, 6 * DAY), (5 * DAY, 7 * DAY), (-DAY, 9 * DAY)]
    blocks, pages = blocks_in(memory_store), [read_of(memory_store, *some) for some in ranges]
    assert all(pages)

    packed(memory_store)

    assert blocks_in(memory_store) == blocks
    assert beginnings(memory_store, 0, LONGEST_TO) == {LONGEST_FROM}
    assert beginnings(memory_store, LONGEST_TO, 6 * DAY) == {0}
    assert beginnings(memory_store, 6 * DAY, 7 * DAY) == {0, 1}
    assert [read_of(memory_store, *some) for some in ranges] == pages
    assert packed(memory_store) == 0


@pytest.mark.parametrize("piece", [1, 3, 5, 6])
def test_late_hours_are_read_once_wherever_their_day_lies(
    memory_store: TelemetryStore, piece: int
) -> None:
    blocked(memory_store, days=6, circuits="AB")
    packer = Packer(memory_store, lambda _point: None)
    packer.start()
    for _ in range({1: 2, 3: 7, 5: 13, 6: 99}[piece]):  # some days are packed, then all, then 8
        packer.pack(10**6)
    writer = writer_of(memory_store, *(circuit(name, channels=CHANNELS) for name in "AB"))
    hours = (1, 25, 47, 4 * 24 + 2, 5 * 24 + 3, 6 * 24)
    late = [at(hour * 3_600 + 77, circuit_id="A", channel="b", latency_us=77) for hour in hours]
    before = read_of(memory_store, 0, 7 * DAY)
    writer.write(poll_of(numbered(late, 10_000)))
    made(memory_store, watermark=6 * DAY + 3 * 3_600, rows=10**6)

    after = read_of(memory_store, 0, 7 * DAY)
    mine = {(2, MIDNIGHT + hour * 3_600) for hour in hours}
    assert {row[:2] for row in set(after) - set(before)} == mine
    assert len({row[:2] for row in after}) == len(after)
    assert {row[:2] for row in set(before) - set(after)} <= mine
    packed(memory_store)
    assert read_of(memory_store, 0, 7 * DAY) == after


def test_packs_are_forgotten_when_all_their_days_are_folded(memory_store: TelemetryStore) -> None:
    blocked(memory_store, days=6, circuits="AB")
    packed(memory_store)
    for folded, first in ((LONGEST_TO - DAY, -3 * DAY), (LONGEST_TO, LONGEST_TO)):
        memory_store.writer.execute(
            "insert or replace into housekeeping values ('folded_to_s', $at)",
            {"at": MIDNIGHT + folded},
        )
        memory_store.writer.execute(
            statement("processors", "blocks_forget"), {"seconds_max": PACK_SECONDS_MAX}
        )
        assert min(from_s for _, from_s, _ in stored(memory_store)) == MIDNIGHT + first


def stored(store: TelemetryStore) -> list[tuple[int, int, Pack]]:
    return packs_of(store.writer.sql("from rollup_packs").to_arrow_table())


@pytest.mark.parametrize("point", ["packs taken out", "before packed days committed"])
def test_a_crash_while_packing_loses_and_doubles_nothing(
    memory_store: TelemetryStore, point: str
) -> None:
    blocked(memory_store)
    before = blocks_in(memory_store)
    passed = 0

    def crash(at_point: str) -> None:
        nonlocal passed
        passed += at_point == point
        if passed == 3:
            message = "pulled the plug"
            raise OSError(message)

    packer = Packer(memory_store, crash)
    packer.start()
    packer.pack(A_CIRCUIT)
    packer.pack(A_CIRCUIT)
    with pytest.raises(StoreError, match="pulled the plug"):
        packer.pack(A_CIRCUIT)
    assert blocks_in(memory_store) == before

    packed(memory_store)
    assert blocks_in(memory_store) == before
    assert beginnings(memory_store, 0, DAY) == {0}


@pytest.mark.parametrize("pack_first", [False, True])
def test_a_block_made_again_stands_once_and_in_its_pack(
    memory_store: TelemetryStore, pack_first: bool
) -> None:
    blocked(memory_store)
    if pack_first:
        packed(memory_store)
    before = blocks_in(memory_store)
    writer = writer_of(memory_store, *(circuit(name, channels=CHANNELS) for name in CIRCUITS))
    hours = (2, 5)
    late = [at(hour * 3_600 + 77, circuit_id="C", channel="b", latency_us=77) for hour in hours]
    writer.write(poll_of(numbered(late, 10_000)))
    made(memory_store, watermark=2 * DAY + 3 * 3_600, rows=10**6)

    after = blocks_in(memory_store)
    mine = [(6, MIDNIGHT + hour * 3_600) for hour in hours]
    changed = [block for block in after if block[:2] in mine]
    assert [block[:2] for block in changed] == mine
    assert all((77, 1) in block[3] for block in changed)
    assert [b for b in after if b[:2] not in mine] == [b for b in before if b[:2] not in mine]
    if pack_first:
        assert beginnings(memory_store, 0, DAY) == {0}


def test_a_reader_goes_on_seeing_the_packs_of_its_snapshot(tmp_path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    blocked(store)
    place = place_of(1, MIDNIGHT)

    def seen(cursor) -> list[int]:
        found = cursor.execute("select from_s from rollup_packs where place = $p", {"p": place})
        return sorted(from_s for (from_s,) in found.fetchall())

    with store.reader() as cursor:
        cursor.execute("begin")
        before = seen(cursor)
        packed(store)
        store.checkpoint()
        assert seen(cursor) == before
        cursor.execute("rollback")
        assert len(seen(cursor)) < len(before)
    store.close()


def test_a_pack_comes_back_as_it_was_encoded() -> None:
    store = TelemetryStore(None)
    store.start()
    blocked(store)
    for place, from_s, pack in stored(store)[:30]:
        ((_, _, again),) = packs_of(table_of([(place, from_s, pack)]))
        for name in ("whole", "lows", "lengths", "bucket", "count"):
            one, other = getattr(pack, name), getattr(again, name)
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes()
    store.close()


def test_places_of_a_range_of_days_lie_between_those_of_its_ends_and_no_other_circuits_do() -> None:
    rng = random.Random(2)
    for _ in range(200):
        first = rng.randrange(0, 40_000) * DAY
        last = first + rng.randrange(1, 80) * DAY
        lower, upper = place_of(9, first), place_of(9, last - 1)
        for second in range(first, last, DAY):
            assert lower <= place_of(9, second) <= upper
            assert not lower <= place_of(8, second) <= upper
            assert not lower <= place_of(10, second) <= upper


def test_packs_of_an_older_store_are_kept_and_lie_as_they_are(tmp_path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    blocked(store, circuits="AB")
    packed(store)
    before = sorted(placed_blocks(store))
    run = store.writer.execute
    for statement_ in (
        "create table older (place bigint, from_s bigint, size integer, content blob)",
        "insert into older from rollup_packs",
        "drop table rollup_packs",
        "alter table older rename to rollup_packs",
        "create index rollup_packs_by_place on rollup_packs (place)",
        "delete from migrations where name in "
        "('0012_packs_as_they_are.sql', '0015_packs_by_place.sql')",
    ):
        run(statement_)
    store.close()

    store.start()
    store.checkpoint()
    assert sorted(placed_blocks(store)) == before
    kinds = run_all(
        store,
        "select distinct compression from pragma_storage_info('rollup_packs') "
        "where column_name = 'content' and segment_type = 'BLOB'",
    )
    assert kinds == [("Uncompressed",)]
    assert run_all(store, "select index_name from duckdb_indexes()") == []
    store.close()


def run_all(store: TelemetryStore, sql: str) -> list[tuple[object, ...]]:
    return store.writer.execute(sql).fetchall()
