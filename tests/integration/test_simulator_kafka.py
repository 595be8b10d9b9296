"""The simulator and a real Kafka."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from ingest.kafka_source import KafkaSource
from linksla.clock import SystemClock, parse_instant
from linksla.errors import StreamError
from linksla.model import Poll, Reason
from simulator.counts import counts
from simulator.emit import KafkaSink, emit_history
from simulator.history import Message
from simulator.live import LiveFeed
from simulator.worlds import SHOWCASE, demo_world, once_world

pytestmark = pytest.mark.kafka
NOVEMBER_4 = parse_instant("2025-11-04T00:00:00Z")


def polls(bootstrap: str, topic: str, messages: int) -> Iterator[Poll]:
    """Read a topic until that many messages were seen, at most a minute long."""
    clock = SystemClock()
    source = KafkaSource(bootstrap, clock=clock, topic=topic)
    source.start({})
    try:
        deadline = clock.monotonic_seconds() + 60
        while messages > 0:
            assert clock.monotonic_seconds() < deadline, f"{messages} messages are missing"
            poll = source.poll(0.5)
            messages -= len(poll.raw)
            yield poll
    finally:
        source.close()


@pytest.mark.parametrize("batch", [1, 500])
def test_kafka_holds_what_the_truth_counts(kafka, batch: int) -> None:
    world = once_world()
    topic = kafka.new_topic()
    end = NOVEMBER_4 + 12 * 3600
    sent = emit_history(world, kafka.bootstrap, NOVEMBER_4, end, batch=batch, topic=topic)
    expected = counts(world, NOVEMBER_4, end)
    good, rejected = 0, Counter()
    for poll in polls(kafka.bootstrap, topic, sent.messages):
        good += poll.samples.num_rows
        rejected.update(reject.reason.value for reject in poll.rejects)
    inactive = expected.rejected[Reason.INACTIVE.value]  # found later, by who knows the inventory
    assert good == expected.samples + inactive == sent.samples + inactive
    assert rejected == Counter(expected.rejected) - Counter({Reason.INACTIVE.value: inactive})


def test_a_live_feed_reaches_kafka_in_real_time_with_its_cut(kafka) -> None:
    clock = SystemClock()
    topic = kafka.new_topic()
    world = demo_world(clock.now_us() // 1_000_000)
    feed = LiveFeed(world, kafka.bootstrap, clock, topic=topic)
    cut = feed.cut(SHOWCASE, world.end_s, 3600)
    feed.start()
    seen = 0
    lost = 0
    clock_start = clock.monotonic_seconds()
    source = KafkaSource(kafka.bootstrap, clock=clock, topic=topic)
    source.start({})
    try:
        while not lost:
            assert clock.monotonic_seconds() - clock_start < 30
            samples = source.poll(0.5).samples
            seen += samples.num_rows
            lost += sum(
                loss == 1_000_000 and bgp == 1 and circuit == SHOWCASE
                for circuit, loss, bgp in zip(
                    samples["circuit_id"].to_pylist(),
                    samples["loss_ppm"].to_pylist(),
                    samples["bgp_state"].to_pylist(),
                    strict=True,
                )
            )
    finally:
        feed.stop()
        source.close()
    assert cut.start_s == world.end_s
    assert seen >= lost >= 4
    assert feed.error is None


def test_a_broker_that_cannot_be_reached_is_said_plainly() -> None:
    with pytest.raises(StreamError, match="linksla kafka"):
        KafkaSink("127.0.0.1:1").start()


def test_a_message_kafka_refuses_is_an_error_and_not_silence(kafka) -> None:
    topic = kafka.new_topic(max_message_bytes="1000")
    sink = KafkaSink(kafka.bootstrap, topic)
    sink.start()
    sink.send(Message(0, None, random.Random(1).randbytes(20_000)))
    with pytest.raises(StreamError, match=topic):
        sink.close()
