"""`doctor` says where a node stands, and what one left that does not run."""

import json
import logging
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from cli import doctor
from cli.configuration import Configuration, load_configuration
from cli.last_error import LastError, NotedError, read_last_error
from cli.standing import Standing
from cli.wiring import build_queries, telemetry_path
from linksla.clock import ManualClock, SystemClock
from linksla.errors import LinkslaError, StreamError
from linksla.meters import Meters, broker_answers
from linksla.stores import TelemetryStore

FIRST = Path(__file__).parents[2] / "config"


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    import shutil

    shutil.copytree(FIRST, tmp_path / "config", ignore=shutil.ignore_patterns("var"))
    found = load_configuration(tmp_path / "config")
    found.settings.data.mkdir(parents=True, exist_ok=True)
    return found


def filled(configuration: Configuration) -> None:
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    store.writer.execute(
        "insert into offsets (topic, partition, next_offset, watermark_us) "
        "values ('link.samples', 3, 1234, 1764720000000000)"
    )
    store.close()


def test_without_a_node_doctor_says_what_its_database_holds(
    configuration: Configuration, tmp_path: Path, capsys: Any
) -> None:
    filled(configuration)

    code = doctor.run(Namespace(config=tmp_path / "config", json=True))

    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["running"] is False
    (partition,) = said["partitions"]
    assert (partition["partition"], partition["next_offset"]) == (3, 1234)
    assert partition["watermark_s"] == 1_764_720_000
    assert said["sizes_bytes"]["database"] > 0
    assert "samples_per_second" not in said


def test_for_people_it_says_the_same_in_lines(
    configuration: Configuration, tmp_path: Path, capsys: Any
) -> None:
    filled(configuration)
    doctor.run(Namespace(config=tmp_path / "config", json=False))

    said = capsys.readouterr().out
    assert "does not run" in said
    assert "next offset 1,234, watermark 2025-12-03T00:00:00" in said


def test_without_a_database_doctor_says_that_no_node_answers(
    configuration: Configuration, tmp_path: Path
) -> None:
    with pytest.raises(LinkslaError, match="does not answer"):
        doctor.run(Namespace(config=tmp_path / "config", json=True))


def test_a_running_node_s_numbers_are_all_there(configuration: Configuration) -> None:
    filled(configuration)
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    clock, meters = SystemClock(), Meters()
    queries = build_queries(configuration, store, clock)
    meters.add("linksla_ingest_rejects_total", 7, reason="undecodable")
    meters.set("linksla_ingest_partition_lag", 55, partition="3")
    meters.observe("linksla_commit_seconds", 0.012)
    standing = Standing(configuration, store, queries, meters, clock)
    meters.before_reading(standing.update)

    answer: dict[str, Any] = standing.answer()
    said = doctor.explained(answer | {"running": True})
    metrics = meters.exposition()
    store.close()

    assert answer["rejects"] == {"undecodable": 7}
    assert answer["partitions"][0]["lag_messages"] == 55
    assert "last 12 ms, 99 % within 12 ms" in said
    assert "consumer DEAD" in said  # no thread of that name lives here
    assert 'linksla_next_offset{partition="3"} 1234\n' in metrics
    assert 'linksla_watermark_lag_seconds{partition="3"}' in metrics
    assert 'linksla_store_bytes{store="wal"}' in metrics


def running_node_says(**about: object) -> str:
    """Return doctor's words for a node of which only this is worth a word."""
    status: dict[str, Any] = {
        "running": True, "complete_up_to_s": None, "live_to_s": None, "circuits": 12, "behind": [],
        "overdue": {}, "broker_answers": True, "partitions": [], "sizes_bytes": {},
        "samples_per_second": 0.0, "rejects": {}, "queue_polls": 0, "threads": {},
        "commit_seconds": {"last": None, "p99": None}, "last_error": None,
        "evaluate_seconds": {"last": None, "p99": None},
    }  # fmt: skip
    return doctor.explained(status | about)


def test_doctor_names_whose_samples_are_missing_and_since_when() -> None:
    said = running_node_says(overdue={"DEN-1": 1_764_720_000, "LON-1": 1_764_720_060})

    assert (
        "nothing newer   DEN-1 since 2025-12-03T00:00:00Z, LON-1 since 2025-12-03T00:01:00Z\n"
    ) in said
    assert "nothing newer   none\nbroker          answers\n" in running_node_says()


def test_doctor_says_that_the_broker_does_not_answer() -> None:
    assert "broker          does not answer\n" in running_node_says(broker_answers=False)


@pytest.mark.parametrize(("count", "end"), [(10, "C-09\n"), (11, "C-09 and 1 more\n"),
                                            (20_000, "C-09 and 19,990 more\n")])  # fmt: skip
def test_doctor_names_ten_circuits_and_counts_the_others(count: int, end: str) -> None:
    names = [f"C-{number:02}" for number in range(count)]
    (line,) = [
        line for line in running_node_says(behind=names).splitlines(True) if "behind" in line
    ]

    assert line.startswith("circuits        12, behind: C-00, C-01, ")
    assert line.endswith(end)


def test_the_broker_answers_until_it_does_not_and_again_when_it_does() -> None:
    meters = Meters()
    assert broker_answers(meters), "nobody has asked it yet"
    meters.add("linksla_ingest_broker_errors_total")
    meters.set("linksla_ingest_broker_up", 0)
    assert not broker_answers(meters)
    meters.set("linksla_ingest_broker_up", 1)
    assert broker_answers(meters)


def test_what_ended_a_node_is_said_after_its_end(
    configuration: Configuration, tmp_path: Path, capsys: Any
) -> None:
    filled(configuration)
    clock = ManualClock(1_764_720_000_000_000)
    noted = LastError(configuration.settings.data, clock, Meters())
    noted.start()
    logging.getLogger("processors.housekeeping").error("the disk is full")
    clock.move_to(1_764_720_060_000_000)
    noted.stop(StreamError("offset 7 is gone", hint="Restore the topic."))
    logging.getLogger("ingest.kafka_source").error("after the end")

    doctor.run(Namespace(config=tmp_path / "config", json=False))

    said = capsys.readouterr().out
    assert (
        "last error      2025-12-03T00:01:00Z ERROR node: "
        "StreamError: offset 7 is gone. Restore the topic., which ended it"
    ) in said


def test_the_last_error_is_the_newest_and_has_the_exception_s_words(tmp_path: Path) -> None:
    meters = Meters()
    noted = LastError(tmp_path, ManualClock(5_000_000), meters)
    noted.start()
    try:
        logging.getLogger("ingest.registry").warning("id %d: %s", 7, "no answer")
        logging.getLogger("httpx").warning("somebody else's")
        first = read_last_error(tmp_path)
        broken = ValueError("half a page")
        logging.getLogger("uvicorn.error").error("a page failed", exc_info=broken)
    finally:
        noted.stop()

    assert first == NotedError(5, "WARNING", "ingest.registry", "id 7: no answer", False)
    last = read_last_error(tmp_path)
    assert last is not None
    assert last.text == "a page failed (ValueError: half a page)"
    assert meters.value("linksla_errors_total", level="error") == 1
    assert meters.value("linksla_last_error_seconds") == 5
    assert (tmp_path / "last-error.json").stat().st_mode & 0o077 == 0


def test_a_note_that_cannot_be_written_or_read_stops_nobody(tmp_path: Path) -> None:
    noted = LastError(tmp_path / "missing", ManualClock(), Meters())
    noted.stop(ValueError("x"))
    (tmp_path / "last-error.json").write_text("{")

    assert read_last_error(tmp_path) is None
    assert read_last_error(tmp_path / "missing") is None
