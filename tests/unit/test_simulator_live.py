"""The live feed: what is due by the clock, cuts from now on, and a truth that knows of them."""

import threading

import pytest

from linksla.clock import ManualClock, parse_instant
from linksla.errors import StreamError, UsageError
from simulator.counts import counts
from simulator.emit import ListSink
from simulator.history import Message
from simulator.live import LiveFeed
from simulator.worlds import SHOWCASE, demo_world

NOW = parse_instant("2026-11-22T18:55:00Z")


def feed_at(now_s: int, **options) -> tuple[LiveFeed, ManualClock, ListSink]:
    clock, sink = ManualClock(now_s * 1_000_000), ListSink()
    return LiveFeed(demo_world(NOW), "", clock, sink=sink, **options), clock, sink


def test_a_sample_is_sent_when_its_interval_is_over_and_not_before() -> None:
    feed, clock, sink = feed_at(NOW)
    assert feed.step() == 0
    clock.move_to((NOW + 5) * 1_000_000 - 1)
    assert feed.step() == 0
    clock.move_to((NOW + 5) * 1_000_000)
    assert feed.step() == 19  # one of each channel that is active
    assert feed.sent_to_s == NOW + 5
    assert feed.step() == 0
    assert {type(message) for message in sink.messages} == {Message}


def test_what_was_missed_is_caught_up_without_a_gap() -> None:
    feed, _clock, _ = feed_at(NOW + 1800 + 3)
    while feed.step():
        pass
    assert feed.sent_to_s == NOW + 1800
    assert feed.emitted.samples == counts(feed.world, NOW, NOW + 1800).samples == 19 * 360


def test_a_cut_is_in_the_samples_and_in_the_truth_from_then_on() -> None:
    feed, clock, _ = feed_at(NOW + 60)
    feed.step()
    cut = feed.cut(SHOWCASE, NOW + 31, 58)  # in the past: from the next sample on
    assert (cut.start_s, cut.end_s) == (NOW + 60, NOW + 120)
    clock.move_to((NOW + 300) * 1_000_000)
    feed.step()
    november = feed.truth(NOW + 300).months[SHOWCASE]["2026-11"]
    before = feed.truth(NOW + 60).months[SHOWCASE]["2026-11"]
    assert november.down == before.down + 60
    assert november.outages[-1].start_s == NOW + 60
    assert november.outages[-1].end_s == NOW + 120
    assert feed.truth(NOW + 70).months[SHOWCASE]["2026-11"].down == before.down  # two cells of 5 s
    assert feed.truth(NOW + 75).months[SHOWCASE]["2026-11"].down == before.down + 15


def test_a_cut_lies_on_whole_cells_of_its_circuit() -> None:
    feed, _, _ = feed_at(NOW)
    cut = feed.cut("FRA-1", NOW + 1, 1)
    assert cut.start_s % 120 == cut.end_s % 120 == 0
    assert cut.end_s - cut.start_s == 120
    with pytest.raises(UsageError, match="DEN-9"):
        feed.cut("DEN-9", NOW, 60)


def test_a_scenario_can_be_injected_live() -> None:
    feed, clock, _ = feed_at(NOW)
    feed.inject("silent-probe", "LON-1", NOW + 10)
    clock.move_to((NOW + 600) * 1_000_000)
    feed.step()
    month = feed.truth(NOW + 600).months["LON-1"]["2026-11"]
    before = feed.truth(NOW).months["LON-1"]["2026-11"]
    assert month.unmeasured == before.unmeasured + 590
    assert feed.emitted.samples == 18 * 120 + 2


def test_faster_than_the_clock_only_until_it_has_caught_up() -> None:
    feed, clock, _ = feed_at(NOW + 3600, speed=60)
    done = threading.Event()
    feed.start()
    # the manual clock moves on by itself with every wait of the feed
    while feed.sent_to_s < NOW + 3600 and not done.wait(0.001):
        assert feed.error is None
    feed.stop()
    assert feed.sent_to_s * 1_000_000 <= clock.now_us()
    assert clock.now_us() - (NOW + 3600) * 1_000_000 < 300_000_000  # an hour in about a minute
    assert feed.emitted.samples == counts(feed.world, NOW, feed.sent_to_s).samples


class BrokenSink(ListSink):
    """Kafka that is gone."""

    def flush(self) -> None:
        raise StreamError("Kafka is gone", where="nowhere", retryable=True)

    def close(self, within_seconds: float | None = None) -> None:
        return


def test_a_feed_that_loses_kafka_says_so_and_ends() -> None:
    clock = ManualClock((NOW + 60) * 1_000_000)
    heard: list[Exception] = []
    told = threading.Event()

    def hear(error: Exception) -> None:
        heard.append(error)
        told.set()

    feed = LiveFeed(demo_world(NOW), "", clock, sink=BrokenSink(), on_error=hear)
    feed.start()
    assert told.wait(10)
    feed.stop()
    assert "Kafka is gone" in str(heard[0])
    assert feed.error is heard[0]


class HaltedSink(ListSink):
    """Kafka that takes nothing and says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.waited, self.goes_on, self.closed = threading.Event(), threading.Event(), False

    def flush(self) -> None:
        self.waited.set()
        self.goes_on.wait(30)

    def close(self, within_seconds: float | None = None) -> None:
        self.closed = True


def test_a_feed_whose_kafka_is_halted_ends_in_time_and_says_what_was_not_taken() -> None:
    sink = HaltedSink()
    feed = LiveFeed(demo_world(NOW), "", ManualClock((NOW + 60) * 1_000_000), sink=sink)
    feed.start()
    assert sink.waited.wait(10)

    with pytest.raises(StreamError, match=r"not taken within 0\.1 s"):
        feed.stop(0.1)
    assert not sink.closed, "its thread still uses it"
    sink.goes_on.set()
