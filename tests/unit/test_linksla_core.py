"""Clock, wire, meters and the two stores."""

import re
import threading
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path

import duckdb
import fastavro
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from linksla.clock import ManualClock, iso, parse_instant
from linksla.decisions import DecisionsStore, audit, chain_hash, record
from linksla.errors import ConfigError, LinkslaError, StoreError, UsageError
from linksla.meters import Meters
from linksla.stores import TelemetryStore
from linksla.wire import murmur2, partition_of, schema


@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_an_instant_survives_being_printed(seconds: int) -> None:
    assert parse_instant(iso(seconds)) == seconds


def test_a_local_time_is_no_instant() -> None:
    with pytest.raises(ValueError, match="has no offset"):
        parse_instant("2026-10-01T00:00:00")


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(5)

    assert clock.now_us() == 5
    assert clock.wait(threading.Event(), 2.0) is False
    assert clock.now_us() == 2_000_005


@given(st.binary(max_size=80))
def test_murmur2_is_kafkas(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


@given(st.text(min_size=1, max_size=30))
def test_a_circuit_always_has_one_of_the_partitions(circuit_id: str) -> None:
    assert 0 <= partition_of(circuit_id) < 8


def test_the_batch_holds_the_very_sample_schema() -> None:
    (samples,) = schema("LinkSampleBatch")["fields"]

    assert samples["type"]["items"] == schema("LinkSample")
    fastavro.parse_schema(schema("LinkSampleBatch"))


def test_meters_print_in_the_prometheus_format() -> None:
    meters = Meters()
    meters.add("rejects_total", reason="x")
    meters.add("rejects_total", 2, reason="x")
    meters.set("lag_seconds", 1.5)

    assert meters.exposition() == 'lag_seconds 1.5\nrejects_total{reason="x"} 3\n'


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = ConfigError("is empty", where="a.yaml:1", hint="Write a key.")

    assert str(error) == "a.yaml:1: is empty. Write a key."
    assert (error.exit_code, UsageError("x").exit_code, LinkslaError("x").exit_code) == (2, 2, 1)


def test_a_store_keeps_what_was_committed(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    store.writer.execute("insert into stream_identity values ('a', 'b')")
    store.close()
    again = TelemetryStore(tmp_path / "t.duckdb")
    again.start()
    with again.reader() as cursor:
        rows = cursor.execute("from stream_identity").fetchall()
    again.close()

    assert rows == [("a", "b")]


SPANS = "insert into spans select {0} + range, 0, 0, 10, 1, null from range({1})"


def test_what_a_commit_appends_in_bulk_does_not_go_through_the_write_ahead_log(
    tmp_path: Path,
) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    store.checkpoint()
    store.writer.execute(SPANS.format(0, 62_000))  # as many as rollups of 400,000 samples

    assert store.wal_bytes < 62_000, "less than a byte a row: only where the row groups lie"
    store.close()


GROUPS = "select count(distinct row_group_id) from pragma_storage_info('spans')"


def test_a_checkpoint_behind_a_backlog_puts_a_few_row_groups_together_and_the_next_ones_the_rest(
    tmp_path: Path,
) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    for number in range(16):  # each a full group and one of 15,800: three quarters would do
        store.writer.execute(SPANS.format(number * 100_000, 67_000))
    groups = []
    for _ in range(4):
        store.checkpoint()
        groups += store.writer.execute(GROUPS).fetchall()[0]
        store.writer.execute(SPANS.format(0, 1))
    store.close()

    assert 32 > groups[0] >= 32 - 16 / 4
    assert groups[-1] <= 24 + 1


LOGGED = "insert into stream_identity select hash(range + {0}), repeat('a', 400) from range(10000)"


@pytest.mark.parametrize("fails", [False, True])
def test_a_checkpoint_that_waits_comes_with_the_next_commit(tmp_path: Path, fails: bool) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    store.checkpoint()
    with (
        pytest.raises(StoreError, match="broken") if fails else nullcontext(),
        store.checkpoint_waits(),
    ):
        for number in range(6):  # 4 MB each
            store.writer.execute(LOGGED.format(number * 10_000))
        waiting = store.wal_bytes
        if fails:
            raise StoreError("broken")
    store.writer.execute("insert into stream_identity values ('the next', '')")

    assert waiting > 20_000_000
    assert store.wal_bytes < 1_000_000
    store.close()


def test_a_database_that_broke_is_told_and_not_what_followed(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()

    def break_down() -> None:
        with store.checkpoint_waits():
            store.writer.close()
            raise StoreError("broken")

    with pytest.raises(StoreError, match="broken"):
        break_down()


def test_a_store_of_larger_row_groups_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    store = TelemetryStore(path)
    store.start()
    store.close()
    with duckdb.connect(str(path)) as older:  # DuckDB's own 122,880
        older.execute(SPANS.format(0, 100_000))
    for number in range(1, 4):
        store.start()
        store.writer.execute(SPANS.format(number * 100_000, 50_000))
        store.writer.execute("delete from spans where channel_key % 7 = 0")
        store.close()
    with duckdb.connect(str(path), read_only=True) as older:
        found = older.execute("select count(*), sum(channel_key) from spans").fetchall()
    keys = [*range(100_000), *(n * 100_000 + m for n in range(1, 4) for m in range(50_000))]
    left = [key for key in keys if key % 7]

    assert found == [(len(left), sum(left))]


SAMPLES = """insert into samples select
    1 + range % 7, range * 1000000, range, 1000000, 4000 + range % 5, null, hash(range) % 1000000,
    range, null, 6, 0, if(range % 3 = 0, 'p', null), range % 8, range, range % 500
    from range(60000)"""


def test_samples_of_an_older_store_are_as_they_were_in_columns_of_runs(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    run, every = store.writer.execute, "select * from samples"
    wanted = run("describe samples").fetchall()
    first = (files("linksla") / "migrations" / "telemetry" / "0001_first.sql").read_text()
    (older,) = re.findall(r"create table samples \(.*?\);", first, re.DOTALL)
    run("drop table samples")
    run(older)
    run(SAMPLES)
    before = run(every).fetchall()
    run("delete from migrations where name = '0016_samples_in_runs.sql'")
    store.close()

    store.start()

    assert store.writer.execute(every).fetchall() == before
    assert store.writer.execute("describe samples").fetchall() == wanted
    forms = store.writer.execute(
        "select distinct compression from pragma_storage_info('samples') "
        "where column_name = 'loss_ppm' and segment_type = 'INTEGER'"
    ).fetchall()
    assert forms == [("RLE",)]
    store.close()


def test_a_store_of_a_newer_linksla_is_refused(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    store.writer.execute("insert into migrations values ('9999_future.sql')")
    store.close()

    with pytest.raises(StoreError, match="newer linksla"):
        TelemetryStore(tmp_path / "t.duckdb").start()


def test_a_store_that_is_not_started_says_so() -> None:
    with pytest.raises(StoreError, match="not started"):
        _ = TelemetryStore(None).writer


def test_a_reader_that_failed_is_not_lent_again(memory_store: TelemetryStore) -> None:
    with pytest.raises(KeyError), memory_store.reader() as broken:
        raise KeyError
    with memory_store.reader() as cursor:
        assert cursor is not broken
        assert cursor.execute("select 1").fetchone() == (1,)


def test_a_snapshot_is_ended_before_a_checkpoint_and_its_cursor_lent_again(
    memory_store: TelemetryStore,
) -> None:
    memory_store.writer.execute("create table seen (number integer)")
    with memory_store.snapshot() as first:
        assert first.execute("select count(*) from seen").fetchone() == (0,)
        memory_store.writer.execute("insert into seen values (1)")
        assert first.execute("select count(*) from seen").fetchone() == (0,)
    memory_store.checkpoint()  # waits for the end of what was read
    with memory_store.snapshot() as second:
        assert second is first
        assert second.execute("select count(*) from seen").fetchone() == (1,)


def test_a_snapshot_whose_statement_failed_is_ended_all_the_same(
    memory_store: TelemetryStore,
) -> None:
    with pytest.raises(duckdb.Error), memory_store.snapshot() as broken:
        broken.execute("select error('broken')").fetchall()
    memory_store.checkpoint()
    with memory_store.snapshot() as cursor:
        assert cursor.execute("select 1").fetchone() == (1,)


def test_a_reader_does_not_wait_for_the_end_of_its_snapshot(memory_store: TelemetryStore) -> None:
    ends = threading.Event()
    with memory_store.snapshot():
        assert memory_store._ending is not None
        memory_store._ending.submit(ends.wait, 10)  # the writer clears up
    assert not ends.is_set()
    with memory_store.snapshot() as cursor:  # another cursor: the first has not ended
        assert cursor.execute("select 1").fetchone() == (1,)
    ends.set()


def test_a_store_may_be_closed_while_somebody_reads(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    with store.snapshot() as cursor:
        assert cursor.execute("select 1").fetchone() == (1,)
        store.close()
    store.start()
    with store.snapshot() as cursor:
        assert cursor.execute("select 1").fetchone() == (1,)
    store.close()


def test_the_audit_is_a_chain_that_shows_an_edit(tmp_path: Path) -> None:
    store = DecisionsStore(tmp_path / "d.sqlite")
    store.start()
    with store.engine.begin() as connection:
        for number in range(3):
            record(
                connection, at_us=number, who="jane", action="sign-in", on="x", detail={"n": number}
            )
        connection.execute(audit.update().where(audit.c.number == 2).values(who="eve"))
        rows = connection.execute(sa.select(audit).order_by(audit.c.number)).all()
    store.close()
    whole = [
        row.hash
        == chain_hash(
            row.previous_hash, row.number, row.at_us, row.who, row.action, row.object, row.detail
        )
        for row in rows
    ]

    assert whole == [True, False, True]
    assert [row.previous_hash for row in rows] == ["", rows[0].hash, rows[1].hash]
