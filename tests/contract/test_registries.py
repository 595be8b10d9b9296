"""What `ingest.registry.Registry` promises, with the Confluent API over real HTTP."""

import io
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import httpx
import numpy as np
import pytest
from kafka import KafkaProducer

from ingest.decode import Decoder
from ingest.frames import RegistryGuid, RegistryId
from ingest.kafka_source import KafkaSource
from ingest.registry import TIMEOUT_SECONDS, Answer, ConfluentRegistry, Unknown, Waiting
from ingest.registry_fake import FakeRegistry
from ingest.rows import Messages
from ingest.schema_cache import Found, Refused, SchemaCache
from ingest.writer_schemas import Content, WriterSchema, WriterSchemas
from linksla.clock import ManualClock, SystemClock
from linksla.model import Poll, Reason
from linksla.wire import schema, schema_text, single_object_header

CLOCK = SystemClock()
SEVEN = RegistryId(7)
TEXT = schema_text("LinkSample")


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()
    yield registry
    registry.stop()


@pytest.fixture
def started(fake: FakeRegistry) -> Iterator[Callable[..., ConfluentRegistry]]:
    made: list[ConfluentRegistry] = []

    def start(**arguments: Any) -> ConfluentRegistry:
        made.append(ConfluentRegistry(fake.start(), CLOCK, **arguments))
        made[-1].start()
        return made[-1]

    yield start
    fake.go_on.set()
    for registry in made:
        registry.close()


def settled(registry: ConfluentRegistry, frame: Any, kind: type = Found) -> Answer:
    """Ask until the answer is of a kind, at most 10 s."""
    deadline = CLOCK.monotonic_seconds() + 10
    while not isinstance(answer := registry.look_up(frame), kind):
        assert CLOCK.monotonic_seconds() < deadline, f"still {answer}"
        CLOCK.wait(threading.Event(), 0.02)
    return answer


def test_a_schema_is_asked_for_once_by_id_and_by_guid(fake: FakeRegistry, started: Any) -> None:
    guid = uuid.uuid4()
    fake.schemas |= {"7": {"schema": TEXT}, str(guid): {"schema": TEXT, "schemaType": "AVRO"}}
    registry = started()

    assert isinstance(registry.look_up(SEVEN), Waiting), "it never makes the caller wait"
    assert settled(registry, SEVEN) == settled(registry, RegistryGuid(guid)) == Found(TEXT)
    assert [registry.look_up(SEVEN) for _ in range(100)] == [Found(TEXT)] * 100
    assert fake.asked.count("/schemas/ids/7") == 1
    assert fake.asked.count(f"/schemas/guids/{guid}") == 1


def test_a_registry_that_is_down_makes_wait_and_then_answers(
    fake: FakeRegistry, started: Any
) -> None:
    fake.schemas["7"] = {"schema": TEXT}
    fake.down = True
    registry = started(unknown_after_seconds=0)
    registry.look_up(SEVEN)
    deadline = CLOCK.monotonic_seconds() + 10
    while len(fake.asked) < 2:
        assert CLOCK.monotonic_seconds() < deadline
        CLOCK.wait(threading.Event(), 0.02)

    assert isinstance(registry.look_up(SEVEN), Waiting), "down is not 'no such schema'"
    fake.down = False
    assert settled(registry, SEVEN) == Found(TEXT)


def test_a_registry_that_hangs_holds_up_nobody(fake: FakeRegistry, started: Any) -> None:
    fake.silent = True
    registry = started()
    began = CLOCK.monotonic_seconds()

    for number in range(50):
        assert isinstance(registry.look_up(RegistryId(number)), Waiting)

    assert CLOCK.monotonic_seconds() - began < 1


def test_credentials_are_sent_and_a_refusal_is_no_answer(fake: FakeRegistry, started: Any) -> None:
    fake.auth = "reader:pa:ss"
    fake.schemas["7"] = {"schema": TEXT}

    assert settled(started(auth="reader:pa:ss"), SEVEN) == Found(TEXT)


def test_another_kind_of_schema_is_refused(fake: FakeRegistry, started: Any) -> None:
    fake.schemas["7"] = {"schema": "syntax = 3", "schemaType": "PROTOBUF"}

    assert settled(started(), SEVEN, Refused) == Refused("is PROTOBUF, not Avro")


def test_a_missing_schema_is_unknown_after_ten_minutes_and_found_when_it_appears(
    fake: FakeRegistry,
) -> None:
    clock = ManualClock()
    registry = ConfluentRegistry(fake.start(), clock)
    answers: list[tuple[int, Answer]] = []
    registry.look_up(SEVEN)
    with httpx.Client() as client:
        for second in range(0, 700, 50):
            clock.move_to(second * 1_000_000)
            registry.ask(client)
            answers.append((second, registry.look_up(SEVEN)))
        fake.schemas["7"] = {"schema": TEXT}
        clock.move_to(800 * 1_000_000)
        registry.ask(client)

    assert {second for second, answer in answers if isinstance(answer, Waiting)} == {
        *range(0, 600, 50)
    }
    assert isinstance(answers[-1][1], Unknown)
    assert registry.look_up(SEVEN) == Found(TEXT)


def test_ids_that_a_producer_makes_up_do_not_fill_the_memory(fake: FakeRegistry) -> None:
    registry = ConfluentRegistry(fake.start(), ManualClock())

    for number in range(20_000):
        registry.look_up(RegistryId(number))

    assert len(registry._asked) == 10_000


def test_what_the_registry_calls_a_schema_and_is_none_is_refused_with_the_reason(
    fake: FakeRegistry, started: Any
) -> None:
    fake.schemas |= {"7": {"schema": '{"type": "nonsense"}'}, "8": {"schema": TEXT}}
    registry = started()
    schemas = WriterSchemas(registry=registry)
    for number in (7, 8):
        settled(registry, RegistryId(number))

    bad, good = schemas.find(SEVEN), schemas.find(RegistryId(8))

    assert isinstance(bad, WriterSchema)
    assert isinstance(good, WriterSchema)
    assert (bad.content, good.content) == (Content.OTHER, Content.SAMPLE)
    assert "is no Avro schema" in bad.refusal


def test_what_was_known_is_known_after_a_restart_with_the_registry_down(
    fake: FakeRegistry, started: Any, tmp_path: Path
) -> None:
    guid = uuid.uuid4()
    fake.schemas |= {
        "7": {"schema": TEXT}, str(guid): {"schema": TEXT},
        "9": {"schema": "syntax = 3", "schemaType": "PROTOBUF"},
    }  # fmt: skip
    url = fake.start()

    def life() -> ConfluentRegistry:
        registry = ConfluentRegistry(url, CLOCK, cache=SchemaCache(tmp_path / "schemas"))
        registry.start()
        return registry

    first = life()
    for frame, kind in ((SEVEN, Found), (RegistryGuid(guid), Found), (RegistryId(9), Refused)):
        settled(first, frame, kind)
    first.close()
    fake.down = True
    asked = len(fake.asked)
    again = life()
    schemas = WriterSchemas(registry=again)
    fronts = (b"\0\0\0\0\x07", b"\x01" + guid.bytes, b"\0\0\0\0\x09", b"\0\0\0\0\x08")
    values: list[bytes | None] = [message(n, front=front) for n, front in enumerate(fronts)]
    decoder = Decoder(schemas)
    samples, rejects = decoder.decode(
        Messages(values, {}, np.array([0, 0, 0, 1]), np.arange(4), np.full(4, CLOCK.now_us()))
    )
    again.close()

    assert samples.column("sequence").to_pylist() == [0, 1]
    assert [(reject.offset, reject.detail) for reject in rejects] == [
        (2, "not known: is PROTOBUF, not Avro")
    ]
    assert decoder.waiting == {1: 3}, "what was never known waits, and loses nothing"
    assert not {"/schemas/ids/7", "/schemas/ids/9"} & set(fake.asked[asked:])


def test_another_registry_s_ids_and_damaged_files_say_nothing(tmp_path: Path) -> None:
    cache = SchemaCache(tmp_path)
    cache.keep("http://one", SEVEN, Found(TEXT))
    (tmp_path / "8.json").write_text('{"registry": "http://one", "sch')
    (tmp_path / "9.json").write_text('{"registry": "http://one"}')
    (tmp_path / "nobody.json").write_text('{"registry": "http://one", "schema": "{}"}')

    assert cache.load("http://one") == {SEVEN: Found(TEXT)}
    assert cache.load("http://two") == {}


def test_a_folder_that_cannot_be_written_costs_nothing_but_asking_again(
    fake: FakeRegistry, started: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    fake.schemas["7"] = {"schema": TEXT}

    assert settled(started(cache=SchemaCache(tmp_path / "file")), SEVEN) == Found(TEXT)


def test_a_registry_that_hung_is_asked_again_after_the_timeout(
    fake: FakeRegistry, started: Any
) -> None:
    fake.schemas["7"] = {"schema": TEXT}
    fake.silent = True
    registry = started()
    began = CLOCK.monotonic_seconds()
    registry.look_up(SEVEN)
    deadline = began + 10
    while "does not answer" not in getattr(registry.look_up(SEVEN), "detail", ""):
        assert CLOCK.monotonic_seconds() < deadline, "it waits without end"
        CLOCK.wait(threading.Event(), 0.02)
    took = CLOCK.monotonic_seconds() - began
    fake.silent = False

    assert TIMEOUT_SECONDS <= took < TIMEOUT_SECONDS + 3
    assert settled(registry, SEVEN) == Found(TEXT)


def test_an_answer_that_drips_without_end_is_given_up(
    fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.registry.ANSWER_SECONDS_MAX", 0.3)
    fake.schemas["7"] = {"schema": TEXT}
    fake.dripping = True
    registry = ConfluentRegistry(fake.start(), CLOCK)
    registry.look_up(SEVEN)

    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        began = CLOCK.monotonic_seconds()
        registry.ask(client)
        took = CLOCK.monotonic_seconds() - began

    answer = registry.look_up(SEVEN)
    assert took < 2
    assert isinstance(answer, Waiting)
    assert "does not end" in answer.detail


def test_an_answer_of_more_than_four_mebibytes_is_not_taken(fake: FakeRegistry) -> None:
    fake.schemas["7"] = {"schema": TEXT}
    fake.flood = 20 * 1024 * 1024
    registry = ConfluentRegistry(fake.start(), CLOCK)
    registry.look_up(SEVEN)

    with httpx.Client() as client:
        registry.ask(client)

    answer = registry.look_up(SEVEN)
    assert isinstance(answer, Waiting)
    assert "larger than 4 MiB" in answer.detail


def message(sequence: int, *, front: bytes) -> bytes:
    record = {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": sequence, "interval_ms": 10_000,
        "observed_at": CLOCK.now_us() - 3_600_000_000,
    }  # fmt: skip
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema("LinkSample")), record)
    return front + out.getvalue()


@pytest.mark.kafka
def test_a_partition_waits_at_an_unknown_schema_and_the_others_go_on(
    kafka: Any, fake: FakeRegistry, started: Any
) -> None:
    topic = kafka.new_topic(partitions=2)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    own, seven = single_object_header("LinkSample"), b"\0\0\0\0\x07"
    for n, front in enumerate((own, own, seven, own, seven, own)):
        producer.send(topic, value=message(n, front=front), partition=0)
        producer.send(topic, value=message(100 + n, front=own), partition=1)
    producer.close()
    source = KafkaSource(
        kafka.bootstrap, clock=CLOCK, topic=topic, schemas=WriterSchemas(registry=started())
    )
    source.start({})

    polls = polled(source, {0: 2, 1: 6})
    for _ in range(8):
        polls.append(source.poll(0.2))
        source.resume()  # as the node does after every poll
    waiting = sequences(polls)
    fake.schemas["7"] = {"schema": json.dumps(schema("LinkSample"))}
    polls += polled(source, {0: 6, 1: 6})
    source.close()

    assert waiting == [0, 1, *range(100, 106)]
    assert sequences(polls) == [*range(6), *range(100, 106)]
    assert not [reject for poll in polls for reject in poll.rejects]


@pytest.mark.kafka
def test_a_schema_that_stays_unknown_becomes_a_reject(kafka: Any, started: Any) -> None:
    topic = kafka.new_topic(partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    own = single_object_header("LinkSample")
    for n, front in enumerate((own, b"\0\0\0\0\x63", own)):
        producer.send(topic, value=message(n, front=front), partition=0)
    producer.close()
    schemas = WriterSchemas(registry=started(unknown_after_seconds=1))
    source = KafkaSource(kafka.bootstrap, clock=CLOCK, topic=topic, schemas=schemas)
    source.start({})

    polls = polled(source, {0: 3})
    source.close()

    (reject,) = [reject for poll in polls for reject in poll.rejects]
    assert (reject.reason, reject.offset) == (Reason.UNKNOWN_SCHEMA, 1)
    assert sequences(polls) == [0, 2]


def polled(source: KafkaSource, until: dict[int, int]) -> list[Poll]:
    """Poll until the offsets are reached, at most 30 s."""
    polls: list[Poll] = []
    deadline = CLOCK.monotonic_seconds() + 30
    while not polls or any(polls[-1].next_offsets.get(p, 0) < end for p, end in until.items()):
        assert CLOCK.monotonic_seconds() < deadline, f"{until} is not reached"
        polls.append(source.poll(0.2))
    return polls


def sequences(polls: list[Poll]) -> list[int]:
    return sorted(row["sequence"] for poll in polls for row in poll.samples.to_pylist())
