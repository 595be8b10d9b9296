"""Samples in Parquet: nothing is lost, nothing twice, whatever instant a move is cut at."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from linksla.clock import ManualClock
from linksla.errors import StoreError
from linksla.meters import Meters
from linksla.model import Poll
from linksla.settings import RetentionSettings, StorageSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.housekeeping import Done, Housekeeper
from processors.tables import provisional_spans, stands
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    idle_poll,
    numbered,
    poll_of,
    reference_spans,
    stored_spans,
    table_of,
    winners,
    writer_of,
)

P = partition_of("X")
MOVE_POINTS = (
    "file written", "file renamed", "file in the manifest", "rows deleted", "move committed",
)  # fmt: skip


MERGE_POINTS = (
    "merged file written", "merged file renamed", "merged file in the manifest",
    "merged files out of the manifest", "merge committed",
)  # fmt: skip


class Killed(BaseException):
    """Stands for a SIGKILL: nothing after it is done, nothing is tidied up but by the database."""


class KilledHousekeeper(Housekeeper):
    """Dies at the n-th passing of a point, once it is told to."""

    dies_at = ""
    passings = 1

    def _at(self, point: str) -> None:
        if point == self.dies_at:
            self.passings -= 1
            if self.passings == 0:
                raise Killed(point)


def housekeeper_of(
    store: TelemetryStore, kind: type[Housekeeper] = Housekeeper, rows: int = 5_000, **days: int
) -> Housekeeper:
    """Return a started housekeeper whose pieces begin with `rows`."""
    retention = RetentionSettings(**days)
    one = kind(store, retention, StorageSettings(), ManualClock(), Meters())
    for job in one._jobs:
        job.rows = rows
    one.start()
    return one


def steps(housekeeper: Housekeeper) -> list[Done]:
    """Step until nothing is to be done."""
    done = []
    while (one := housekeeper.step(0.5)).anything:
        done.append(one)
        assert len(done) < 1_000
    return done


def files_of(store: TelemetryStore) -> list[Path]:
    assert store.path is not None
    return sorted((store.path.parent / "samples").iterdir())


def all_samples(store: TelemetryStore) -> list[tuple[int, int, int, int | None]]:
    """Return key, instant, sequence and loss of what stands, hot or in files of the manifest."""
    rows = store.writer.execute(
        "select channel_key, observed_at_us, sequence, loss_ppm from samples"
    ).fetchall()
    found = {row[:2]: row for row in rows}
    assert len(found) == len(rows)
    moved: dict[tuple[int, int], tuple[int, tuple[int, int, int, int | None]]] = {}
    for name, _ in live_files(store):
        assert store.path is not None
        table = pq.read_table(store.path.parent / "samples" / name)
        columns = ("channel_key", "observed_at_us", "sequence", "loss_ppm")
        rows = zip(*(table.column(one).to_pylist() for one in columns), strict=True)
        for generation, row in zip(table.column("generation").to_pylist(), rows, strict=True):
            if generation > moved.get(row[:2], (0, row))[0]:
                moved[row[:2]] = generation, row
    for key, (_, row) in moved.items():
        found.setdefault(key, row)
    return sorted(found.values(), key=lambda row: row[:2])


def live_files(store: TelemetryStore) -> list[tuple[str, int]]:
    return store.writer.execute(
        "select name, rows from sample_files where removed_at_us is null order by first_us"
    ).fetchall()


def hours_of_samples(hours: int, every: int = 30) -> list[Sample]:
    chosen = random.Random(5)
    return [
        at(n * every, interval_us=every * US, latency_us=1_000 + n % 7, sequence=1,
           loss_ppm=chosen.choice([0, 0, 0, 0, 600_000]))
        for n in range(hours * 3_600 // every)
    ]  # fmt: skip


def store_with(folder: Path, polls: Sequence[Poll]) -> TelemetryStore:
    store = TelemetryStore(folder / "t.duckdb")
    store.start()
    writer = writer_of(store, circuit())
    for poll in polls:
        writer.write(poll)
    return store


def test_hours_behind_the_watermark_move_to_a_file_each_and_no_sample_is_lost(tmp_path) -> None:
    samples = numbered(hours_of_samples(6))
    store = store_with(tmp_path, [poll_of(samples)])
    before = all_samples(store)
    done = steps(housekeeper_of(store))

    assert sum(one.moved for one in done) == 4 * 120
    assert [path.name for path in files_of(store)] == [
        f"2025-10-10T0{hour}-{hour + 1}.parquet" for hour in range(4)
    ]
    ((hot, oldest),) = store.writer.execute(
        "select count(*), min(observed_at_us) from samples"
    ).fetchall()
    assert (hot, oldest) == (240, (MIDNIGHT + 4 * 3600) * US)
    assert all_samples(store) == before
    store.close()


def test_an_hour_larger_than_a_piece_moves_in_several_files(tmp_path) -> None:
    samples = numbered(hours_of_samples(3, every=2))
    store = store_with(tmp_path, [poll_of(samples)])
    before = all_samples(store)
    steps(housekeeper_of(store, rows=500))

    assert len(files_of(store)) >= 3
    assert max(pq.read_metadata(path).num_rows for path in files_of(store)) <= 1_000
    assert all_samples(store) == before
    store.close()


def store_of_many_files(folder: Path) -> TelemetryStore:
    """Return a store of three hours in small files, some samples with a later winner."""
    samples = hours_of_samples(5)
    store = store_with(folder, [poll_of(numbered(samples))])
    keeper = housekeeper_of(store)
    while keeper._mover.move((MIDNIGHT + 5 * 3_600 - 60) * US, 35):
        pass
    winners_of_two_hours = [replace(samples[n], sequence=7, loss_ppm=7) for n in (3, 110, 130, 200)]
    late = numbered(winners_of_two_hours, 10_000)
    writer_of(store, circuit()).write(poll_of(late))
    later = housekeeper_of(store)  # a start moves what is late
    assert later._mover.move((MIDNIGHT + 5 * 3_600 - 60) * US, 1_000) == 4
    return store


def test_the_files_of_an_hour_are_merged_and_the_last_generation_of_a_sample_stays(
    tmp_path: Path,
) -> None:
    store = store_of_many_files(tmp_path)
    before = all_samples(store)
    assert len(live_files(store)) == 3 * 4 + 1
    clock = ManualClock()
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), clock, Meters())
    keeper.start()
    steps(keeper)

    assert [rows for _, rows in live_files(store)] == [120, 4, 120, 120]
    assert all_samples(store) == before
    assert [row[3] for row in before if row[2] == 7] == [7] * 4
    assert len(files_of(store)) > 4  # a reader may still have looked one up
    clock.move_to(120 * US)
    steps(keeper)
    assert [path.name for path in files_of(store)] == sorted(name for name, _ in live_files(store))
    assert all_samples(store) == before
    store.close()


def test_a_merge_takes_no_more_samples_at_once_than_it_may(tmp_path: Path) -> None:
    store = store_of_many_files(tmp_path)
    before = all_samples(store)
    keeper = housekeeper_of(store)
    merged = []
    while rows := keeper._merger.merge(80, 0):
        merged.append(rows)

    assert max(merged) <= 80
    assert len(live_files(store)) < 3 * 4 + 1
    assert all_samples(store) == before
    store.close()


@pytest.mark.parametrize("point", MERGE_POINTS)
def test_a_kill_at_any_point_of_a_merge_loses_nothing_and_leaves_no_file(
    tmp_path: Path, point: str
) -> None:
    store = store_of_many_files(tmp_path)
    before = all_samples(store)
    housekeeper = housekeeper_of(store, KilledHousekeeper)
    assert isinstance(housekeeper, KilledHousekeeper)
    housekeeper.dies_at, housekeeper.passings = point, 2
    with pytest.raises(Killed):
        steps(housekeeper)
    store.close()

    store.start()
    assert all_samples(store) == before
    steps(housekeeper_of(store))
    assert all_samples(store) == before
    named = [name for (name,) in store.writer.execute("select name from sample_files").fetchall()]
    assert sorted(named) == [path.name for path in files_of(store)]
    store.close()


def test_rejects_leave_after_their_retention(tmp_path: Path) -> None:
    store = store_with(tmp_path, [poll_of(numbered([at(0), at(100 * DAY)]))])
    for day in range(12):
        store.writer.execute(
            "insert into rejects values ('t', 0, ?, 'undecodable', '', '', ?, null, ''::blob)",
            [day, (MIDNIGHT + day * DAY + 7) * US],
        )
    done = steps(housekeeper_of(store, rejects_days=92))

    assert sum(one.removed for one in done) == 8 + 1  # and the first sample's file
    assert store.writer.execute('select min("offset") from rejects').fetchone() == (8,)
    store.close()


@pytest.mark.parametrize("passing", [1, 2])
@pytest.mark.parametrize("point", MOVE_POINTS)
def test_a_kill_at_any_point_of_a_move_loses_nothing_and_leaves_no_file(
    tmp_path: Path, point: str, passing: int
) -> None:
    store = store_with(tmp_path, [poll_of(numbered(hours_of_samples(6)))])
    before = all_samples(store)
    housekeeper = housekeeper_of(store, KilledHousekeeper)
    assert isinstance(housekeeper, KilledHousekeeper)
    housekeeper.dies_at, housekeeper.passings = point, passing
    with pytest.raises(Killed):
        steps(housekeeper)
    store.close()

    store.start()
    assert all_samples(store) == before
    again = housekeeper_of(store)
    named = [name for (name,) in store.writer.execute("select name from sample_files").fetchall()]
    assert sorted(named) == [path.name for path in files_of(store)]
    steps(again)
    assert all_samples(store) == before
    assert len(files_of(store)) == 4
    store.close()


def test_late_duplicate_and_conflicting_samples_of_moved_hours_count_as_if_nothing_had_moved(
    tmp_path: Path,
) -> None:
    whole = hours_of_samples(8)
    missing = set(range(60, 75)) | {400}
    on_time = [sample for n, sample in enumerate(whole) if n not in missing]
    after = [
        *(whole[n] for n in sorted(missing)),
        whole[10],
        replace(whole[20], loss_ppm=1_000_000, sequence=9),
        replace(whole[21], loss_ppm=1_000_000, sequence=0),
        replace(whole[30], interval_us=3_600 * US, bgp_state=2, sequence=2),
    ]
    polls = [numbered(on_time), numbered(after, len(on_time))]
    answers = []
    for name in ("moved", "still"):
        store = store_with(tmp_path / name, [poll_of(polls[0])])
        if name == "moved":
            steps(housekeeper_of(store))
            assert len(files_of(store)) == 6
        writer = writer_of(store, circuit())
        written = writer.write(poll_of(polls[1]))
        if name == "moved":
            housekeeper = housekeeper_of(store)
            steps(housekeeper)
            assert len(files_of(store)) == 7  # one more for what was late
        answers.append(
            (written, stored_spans(store), table_of(store, "rollups"), all_samples(store),
             table_of(store, "ledger"))
        )  # fmt: skip
        again = writer_of(store, circuit()).write(poll_of(numbered(after, 10_000)))
        answers[-1] = (*answers[-1], again, stored_spans(store), all_samples(store))
        store.close()

    assert answers[0] == answers[1]
    spans = reference_spans([*on_time, *after], circuit(), MIDNIGHT, MIDNIGHT + 8 * 3_600 - 60)
    assert answers[0][1] == spans
    assert len(answers[0][3]) == len(winners([*on_time, *after]))


def test_a_sample_in_several_generations_stands_as_the_last_one(tmp_path: Path) -> None:
    store = store_with(tmp_path, [poll_of(numbered(hours_of_samples(6)))])
    steps(housekeeper_of(store))
    for sequence in (2, 3, 4):
        wins = replace(at(300), sequence=sequence, loss_ppm=sequence)
        writer = writer_of(store, circuit())
        written = writer.write(poll_of(numbered([wins], 10_000 * sequence)))
        assert written.conflicting == 1
        steps(housekeeper_of(store))
    loses = replace(at(300), sequence=3, loss_ppm=7)
    writer_of(store, circuit()).write(poll_of(numbered([loses], 50_000)))

    assert (1, (MIDNIGHT + 300) * US, 4, 4) in all_samples(store)
    assert len(live_files(store)) == 4  # what came late lies with its hour
    store.close()


def test_what_is_not_folded_yet_is_found_in_files_at_start_and_by_readers(tmp_path: Path) -> None:
    other = next(f"Y{n}" for n in range(99) if partition_of(f"Y{n}") != P)
    circuits = (circuit(grid=21_600), circuit(other))
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer = writer_of(store, *circuits)
    # X's cell of six hours is open, and so are its samples; the other partition is far ahead.
    writer.write(poll_of(numbered([at(600), at(1_200, loss_ppm=1_000_000)])))
    ahead = numbered([at(40_000, circuit_id=other)], 0)
    writer.write(poll_of(ahead))
    steps(housekeeper_of(store))
    assert table_of(store, "samples") and len(files_of(store)) == 1  # noqa: PT018
    with store.reader() as cursor:
        live = provisional_spans(cursor, stands(cursor, ["X"]))
    assert (live.start_s.tolist(), live.loss_class.tolist()) == ([MIDNIGHT], [6])

    again = writer_of(store, *circuits)
    again.write(idle_poll([P], 30_000))
    assert [span for span in stored_spans(store) if span[0] == "X"] == [
        ("X", "ch1", MIDNIGHT, MIDNIGHT + 21_600, 1, 6)
    ]
    store.close()


def test_samples_over_the_retention_leave_with_their_files(tmp_path: Path) -> None:
    store = store_with(tmp_path, [poll_of(numbered(hours_of_samples(6)))])
    clock = ManualClock()
    keeper = Housekeeper(
        store, RetentionSettings(raw_days=2), StorageSettings(), clock, Meters()
    )  # fmt: skip
    keeper.start()
    steps(keeper)
    spans = stored_spans(store)
    later = numbered([at(3 * DAY + 9 * 3_600 + n) for n in range(0, 60, 10)], 5_000)
    writer_of(store, circuit()).write(poll_of(later))
    steps(keeper)
    ((live,),) = store.writer.execute(
        "select count(*) from sample_files where removed_at_us is null"
    ).fetchall()
    assert live == 0
    assert len(files_of(store)) >= 4  # a reader may still have looked one up

    clock.move_to(120 * US)
    keeper.step(0.5)
    assert files_of(store) == []
    assert table_of(store, "sample_files") == []
    assert len(all_samples(store)) == 6
    assert stored_spans(store)[: len(spans) - 1] == spans[:-1]
    store.close()


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_sample_older_than_the_raw_retention_goes_to_the_ledger_only(
    tmp_path: Path, cut: int
) -> None:
    begun = numbered(at(10 * n) for n in range(0, 60, 2))
    now = 50 * DAY
    watermark = now - 30
    then = numbered(
        [
            at(now),
            at(watermark - 40 * DAY, latency_us=1),  # just young enough
            at(watermark - 40 * DAY - 0.000001, latency_us=1),
            at(10, latency_us=1),
        ],
        100,
    )
    store = store_with(tmp_path, [poll_of(begun)])
    writer = writer_of(store, circuit())
    written = [writer.write(poll_of(then[:cut])), writer.write(poll_of(then[cut:]))]

    assert (sum(one.accepted for one in written), sum(one.aged for one in written)) == (2, 2)
    lines = store.writer.execute(
        "select kind, day - $day, sum(count), detail from ledger group by all order by all",
        {"day": MIDNIGHT // DAY},
    ).fetchall()
    assert lines == [
        ("late", 0, 1, "older than raw retention"),
        ("late", 9, 1, ""),
        ("late", 9, 1, "older than raw retention"),
    ]
    assert stored_spans(store)[0][2:] == (MIDNIGHT, MIDNIGHT + 10, 1, 0)
    assert len(all_samples(store)) == len(begun) + 2
    writer.write(poll_of(numbered([then[3]], 200)))
    assert len(all_samples(store)) == len(begun) + 2
    store.close()


def test_a_file_of_the_manifest_that_is_gone_is_named_at_start(tmp_path: Path) -> None:
    store = store_with(tmp_path, [poll_of(numbered(hours_of_samples(6)))])
    steps(housekeeper_of(store))
    files_of(store)[0].unlink()

    with pytest.raises(StoreError, match=r"1 file\(s\).*2025-10-10T00-1.parquet.*Restore"):
        housekeeper_of(store)
    store.close()


def test_no_statement_opens_another_file_or_changes_the_configuration(tmp_path: Path) -> None:
    store = store_with(tmp_path, [])
    (tmp_path / "secret.csv").write_text("a\n1\n")

    for forbidden in (
        f"select * from read_csv('{tmp_path}/secret.csv')",
        f"copy (select 1) to '{tmp_path}/out.csv'",
        f"attach '{tmp_path}/other.duckdb'",
        "set enable_external_access = true",
        "set allowed_configs = ['enable_external_access']",
        "set lock_configuration = false",
    ):
        with pytest.raises(Exception, match=r"disabled by configuration|locked|Cannot change"):
            store.writer.execute(forbidden).fetchall()
    store.close()
