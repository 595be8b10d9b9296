"""Rejects become dead letters: as they came, with the reason, once while nothing fails."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kafka import KafkaConsumer, TopicPartition

from ingest.deadletter import TARGET, DeadLetterSender, _last_of_round
from linksla.clock import ManualClock, SystemClock
from linksla.decisions import DecisionsStore, deliveries
from linksla.errors import DeliveryError
from linksla.stores import TelemetryStore

NOW_US = 1_790_000_000_000_000


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(tmp_path / "decisions.db")
    store.start()
    yield store
    store.close()


def reject(store: TelemetryStore, offset: int, reason: str, **columns: Any) -> None:
    row = {"index": "", "detail": "why", "key": None, "value": b"\x00\xff", **columns}
    store.writer.execute(
        "insert into rejects values ('link.samples', 3, ?, ?, ?, ?, ?, ?, ?)",
        [offset, reason, row["index"], row["detail"], NOW_US, row["key"], row["value"]],
    )


def received(bootstrap: str, topic: str) -> list[tuple[bytes | None, bytes, dict[str, str]]]:
    """Return (key, value, headers) of all that is in the topic now."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    tp = TopicPartition(topic, 0)
    consumer.assign([tp])
    end = consumer.end_offsets([tp])[tp]
    found: list[Any] = []
    deadline = SystemClock().monotonic_seconds() + 20
    while len(found) < end:
        assert SystemClock().monotonic_seconds() < deadline
        found += [r for records in consumer.poll(500).values() for r in records]
    consumer.close()
    return [
        (record.key, record.value, {name: content.decode() for name, content in record.headers})
        for record in found
    ]


@pytest.mark.kafka
def test_a_reject_arrives_as_it_came_with_its_reason(
    kafka: Any, memory_store: TelemetryStore, decisions: DecisionsStore
) -> None:
    topic = kafka.new_topic(partitions=1)
    reject(memory_store, 7, "undecodable", key=b"DEN-1", value=b"\xc3\x01raw", detail="1 byte ü")
    reject(memory_store, 8, "out_of_range", index="3,17")
    sender = DeadLetterSender(
        kafka.bootstrap, memory_store, decisions, ManualClock(NOW_US), topic=topic
    )

    sent = sender.send_once()
    sender.stop()

    assert sent == 2
    assert received(kafka.bootstrap, topic) == [
        (b"DEN-1", b"\xc3\x01raw", {
            "reason": "undecodable", "topic": "link.samples", "partition": "3", "offset": "7",
            "index": "", "detail": "1 byte ü",
        }),
        (None, b"\x00\xff", {
            "reason": "out_of_range", "topic": "link.samples", "partition": "3", "offset": "8",
            "index": "3,17", "detail": "why",
        }),
    ]  # fmt: skip
    with decisions.engine.begin() as connection:
        rows = connection.execute(sa.select(deliveries)).mappings().all()
    assert [(row["message_id"], row["target"], row["delivered_at_us"]) for row in rows] == [
        ("link.samples:3:7:undecodable", TARGET, NOW_US),
        ("link.samples:3:8:out_of_range", TARGET, NOW_US),
    ]


@pytest.mark.kafka
def test_what_is_delivered_is_not_sent_again_even_after_a_restart(
    kafka: Any, memory_store: TelemetryStore, decisions: DecisionsStore
) -> None:
    topic = kafka.new_topic(partitions=1)
    arguments = (kafka.bootstrap, memory_store, decisions, ManualClock(NOW_US))
    first = DeadLetterSender(*arguments, topic=topic)
    reject(memory_store, 1, "undecodable")
    assert [first.send_once(), first.send_once()] == [1, 0]
    first.stop()
    reject(memory_store, 2, "undecodable")

    second = DeadLetterSender(*arguments, topic=topic)
    assert [second.send_once(), second.send_once()] == [1, 0]
    second.stop()

    assert [headers["offset"] for _, _, headers in received(kafka.bootstrap, topic)] == ["1", "2"]


@pytest.mark.kafka
def test_more_rejects_than_one_round_takes_all_arrive(
    kafka: Any, memory_store: TelemetryStore, decisions: DecisionsStore
) -> None:
    topic = kafka.new_topic(partitions=1)
    for offset in range(620):
        reject(memory_store, offset, "undecodable")
    sender = DeadLetterSender(kafka.bootstrap, memory_store, decisions, SystemClock(), topic=topic)

    sender.start()
    deadline = SystemClock().monotonic_seconds() + 30
    wait = threading.Event()
    while len(received(kafka.bootstrap, topic)) < 620:
        assert SystemClock().monotonic_seconds() < deadline
        wait.wait(0.05)
    sender.stop()

    offsets = [int(headers["offset"]) for _, _, headers in received(kafka.bootstrap, topic)]
    assert offsets == list(range(620))


@pytest.mark.parametrize(
    ("sizes", "last"),
    [
        ([], -1),
        ([(4, 10)], 4),
        ([(4, 10), (7, 20)], 7),
        ([(4, 100_000_000), (7, 20)], 4),
        ([(4, 20), (7, 100_000_000), (9, 20)], 4),
        ([(n, 10_000_000) for n in range(9)], 2),
    ],
)
def test_a_round_holds_what_fits_into_32_mib_and_one_letter_at_least(
    sizes: list[tuple[int, int]], last: int
) -> None:
    assert _last_of_round(sizes) == last


@pytest.mark.kafka
def test_large_letters_go_in_rounds_of_their_own(
    kafka: Any, memory_store: TelemetryStore, decisions: DecisionsStore
) -> None:
    topic = kafka.new_topic(partitions=1)
    for offset in range(3):
        reject(memory_store, offset, "over_limit", value=bytes(20_000_000))
    sender = DeadLetterSender(
        kafka.bootstrap, memory_store, decisions, ManualClock(NOW_US), topic=topic
    )

    assert [sender.send_once() for _ in range(4)] == [1, 1, 1, 0]
    sender.stop()


def test_a_kafka_that_is_away_loses_nothing_and_says_so(
    memory_store: TelemetryStore, decisions: DecisionsStore
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    reject(memory_store, 1, "undecodable")
    sender = DeadLetterSender(
        address, memory_store, decisions, ManualClock(NOW_US), connect_timeout_ms=300
    )

    for _ in range(2):
        with pytest.raises(DeliveryError, match=address):
            sender.send_once()

    with decisions.engine.begin() as connection:
        assert connection.execute(sa.select(deliveries)).all() == []
    sender.stop()


@pytest.mark.kafka
@pytest.mark.parametrize("bytes_count", [2_000_000, 68_000_000])
def test_a_letter_too_large_is_refused_and_holds_nothing_up(
    kafka: Any, memory_store: TelemetryStore, decisions: DecisionsStore, bytes_count: int
) -> None:
    topic = kafka.new_topic(partitions=1, max_message_bytes="1000000")
    reject(memory_store, 1, "over_limit", value=bytes(bytes_count))
    reject(memory_store, 2, "undecodable")
    sender = DeadLetterSender(
        kafka.bootstrap, memory_store, decisions, ManualClock(NOW_US), topic=topic
    )

    assert sum(sender.send_once() for _ in range(3)) == 2
    sender.stop()

    assert [headers["offset"] for _, _, headers in received(kafka.bootstrap, topic)] == ["2"]
    with decisions.engine.begin() as connection:
        rows = connection.execute(sa.select(deliveries)).mappings().all()
    assert [row["status"] for row in rows] == ["refused", "delivered"]
    assert rows[0]["last_error"]


@pytest.mark.kafka
def test_rejects_that_are_numbered_anew_after_old_ones_are_deleted_all_arrive(
    kafka: Any, tmp_path: Path, decisions: DecisionsStore
) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    store.writer.execute(
        "insert into rejects select 't', 0, n, 'undecodable', '', '', n % 1000, null, ''::blob "
        "from range(400_000) as r(n)"
    )
    store.checkpoint()
    topic = kafka.new_topic(partitions=1)
    sender = DeadLetterSender(kafka.bootstrap, store, decisions, ManualClock(NOW_US), topic=topic)
    sender._after_row = 399_999  # what came before was delivered
    sender._last_seen = ("t", 0, 399_999, "undecodable", "")
    assert sender.send_once() == 0

    store.writer.execute("delete from rejects where append_time_us > 0")
    reject(store, 8, "undecodable")
    store.checkpoint()
    ((numbers,),) = store.writer.execute("select max(rowid) from rejects").fetchall()
    while sender.send_once():
        pass
    sender.stop()
    store.close()

    assert numbers < 399_999, "the database numbered the rows anew"
    assert "8" in {headers["offset"] for _, _, headers in received(kafka.bootstrap, topic)}
