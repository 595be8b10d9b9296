"""One suite for all sources: what `ingest.source.Source` promises."""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from kafka import KafkaProducer

from ingest.decode import Decoder
from ingest.kafka_source import KafkaSource
from ingest.librdkafka_source import LibrdkafkaSource
from ingest.rows import Messages
from ingest.source import IterableSource, Source
from ingest.writer_schemas import WriterSchemas
from linksla.clock import SystemClock
from linksla.errors import StreamError
from linksla.model import Poll
from linksla.wire import WIRE_SCHEMA, encode
from tests.conftest import required

CLOCK = SystemClock()
MakeSource = Callable[[], Source]


def message(sequence: int) -> bytes:
    """Return one sample, an hour old."""
    row = {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": sequence,
        "observed_at": CLOCK.now_us() - 3_600_000_000, "interval_ms": 10_000,
        "bgp_state": "ESTABLISHED",
    }  # fmt: skip
    (value,) = encode(pa.Table.from_pylist([row], schema=WIRE_SCHEMA), batch=1)
    return value


SCRIPT = [(n % 2, message(n) if n != 5 else b"poison of no schema") for n in range(12)]
"""(partition, value); the third message of partition 1 cannot be read."""


def scripted() -> IterableSource:
    next_offset = {0: 0, 1: 0}
    polls = []
    for partition, value in SCRIPT:
        offset = next_offset[partition]
        next_offset[partition] += 1
        place = Messages(
            [value], {}, np.array([partition]), np.array([offset]), np.array([CLOCK.now_us()])
        )
        samples, rejects = Decoder(WriterSchemas()).decode(place)
        polls.append(Poll("script", samples, tuple(rejects), {partition: offset + 1}))
    return IterableSource(polls)


@pytest.fixture(
    params=[
        "script",
        pytest.param("kafka-python", marks=pytest.mark.kafka),
        pytest.param("librdkafka", marks=pytest.mark.kafka),
    ]
)
def make_source(request: pytest.FixtureRequest) -> Iterator[MakeSource]:
    """Return a function that makes a source of SCRIPT, always the same stream."""
    made: list[Source] = []
    if request.param == "script":

        def make() -> Source:
            made.append(scripted())
            return made[-1]
    else:
        if request.param == "librdkafka" and importlib.util.find_spec("confluent_kafka") is None:
            required("confluent-kafka (linksla[librdkafka])")
        client = LibrdkafkaSource if request.param == "librdkafka" else KafkaSource
        broker = request.getfixturevalue("kafka")
        topic = broker.new_topic(partitions=2)
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        for partition, value in SCRIPT:
            producer.send(topic, value=value, partition=partition)
        producer.close()

        def make() -> Source:
            made.append(client(broker.bootstrap, clock=CLOCK, topic=topic))
            return made[-1]

    yield make
    for source in made:
        source.close()


def drained(source: Source, messages: int) -> list[Poll]:
    """Poll until so many samples and rejects have come, at most 20 s."""
    polls: list[Poll] = []
    deadline = CLOCK.monotonic_seconds() + 20
    while sum(poll.samples.num_rows + len(poll.rejects) for poll in polls) < messages:
        assert CLOCK.monotonic_seconds() < deadline, "the messages do not come"
        polls.append(source.poll(0.5))
    return polls


def sequences(polls: list[Poll], partition: int) -> list[Any]:
    return [
        row["sequence"]
        for poll in polls
        for row in poll.samples.to_pylist()
        if row["partition"] == partition
    ]


def test_everything_comes_once_and_in_the_order_of_each_partition(make_source: MakeSource) -> None:
    source = make_source()
    source.start({})

    polls = drained(source, len(SCRIPT))

    assert sequences(polls, 0) == [0, 2, 4, 6, 8, 10]
    assert sequences(polls, 1) == [1, 3, 7, 9, 11]
    (reject,) = [reject for poll in polls for reject in poll.rejects]
    assert (reject.partition, reject.offset) == (1, 2)


def test_next_offsets_lie_behind_what_came_and_never_go_back(make_source: MakeSource) -> None:
    source = make_source()
    source.start({})
    reached = {0: 0, 1: 0}

    for poll in drained(source, len(SCRIPT)):
        for row in poll.samples.to_pylist():
            assert reached[row["partition"]] <= row["offset"] < poll.next_offsets[row["partition"]]
        for partition, offset in poll.next_offsets.items():
            assert offset >= reached[partition]
            reached[partition] = offset

    assert reached == {0: 6, 1: 6}


def test_a_start_at_stored_offsets_goes_on_exactly_there(make_source: MakeSource) -> None:
    source = make_source()
    source.start({0: 4, 1: 3})

    polls = drained(source, 5)

    assert sequences(polls, 0) == [8, 10]
    assert sequences(polls, 1) == [7, 9, 11]
    assert [reject for poll in polls for reject in poll.rejects] == []


def test_an_empty_poll_still_says_where_to_go_on(make_source: MakeSource) -> None:
    source = make_source()
    source.start({0: 6, 1: 6})

    poll = source.poll(0.1)

    assert poll.samples.num_rows == 0
    assert dict(poll.next_offsets) == {0: 6, 1: 6}


def test_a_paused_source_gives_nothing_until_it_is_resumed(make_source: MakeSource) -> None:
    source = make_source()
    source.start({})
    source.pause()

    assert [source.poll(0.2).samples.num_rows for _ in range(3)] == [0, 0, 0]
    source.resume()

    assert len(sequences(drained(source, len(SCRIPT)), 0)) == 6


def test_the_identity_names_cluster_and_topic_and_stays(make_source: MakeSource) -> None:
    first, second = make_source(), make_source()
    first.start({})
    second.start({}, known=first.identity())

    assert set(first.identity()) == {"cluster_id", "topic_id"}
    assert first.identity() == second.identity()


@pytest.mark.parametrize(
    ("key", "said"), [("cluster_id", "another Kafka cluster"), ("topic_id", "a topic made anew")]
)
def test_another_stream_than_the_known_one_is_refused(
    make_source: MakeSource, key: str, said: str
) -> None:
    source, other = make_source(), make_source()
    source.start({})

    with pytest.raises(StreamError, match=said):
        other.start({}, known={**source.identity(), key: "other"})


def test_a_source_can_be_closed_twice(make_source: MakeSource) -> None:
    source = make_source()
    source.start({})
    source.close()
    source.close()

    again = make_source()
    again.start({})
    assert drained(again, len(SCRIPT))
