"""What moves a watermark on a real broker, and what must not: DESIGN 6, issue 4 line 3."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from cli.once import ledger_counts
from ingest.kafka_source import KafkaSource
from linksla.clock import SystemClock, utc
from linksla.model import Poll
from linksla.wire import WIRE_SCHEMA, encode
from simulator.emit import KafkaSink
from simulator.history import Message
from simulator.world import World
from sla.scope import AllCustomers
from tests.chaos.broker import Broker
from tests.chaos.node import Parts, all_read, build
from tests.chaos.worlds import part_of, small_world

US = 1_000_000
IDLE_SECONDS, LATENESS_SECONDS = 1, 1
MUCH_LONGER_SECONDS = 5.0  # than idle_after, lateness and the 2 s between confirmations
SECONDS_MAX = 60.0
EVERYONE = AllCustomers(commercial=True)
CLOCK = SystemClock()


def network(*circuit_ids: str) -> World:
    """Return circuits that are active for ever, with nothing happening to them."""
    world = part_of(small_world(), *circuit_ids)
    circuits = tuple(replace(circuit, active_to_s=None) for circuit in world.circuits)
    return replace(world, circuits=circuits, injections=(), windows=())


def send(broker: Broker, topic: str, world: World, observed_s: Mapping[str, int]) -> dict[int, int]:
    """Send one sample of the first channel of each circuit, and return where the topic ends."""
    sink = KafkaSink(broker.proxy.bootstrap, topic)
    sink.start()
    for circuit_id, second in observed_s.items():
        row = {
            "circuit_id": circuit_id,
            "channel": world.circuit(circuit_id).channels[0].name,
            "sequence": second,
            "observed_at": utc(second).replace(tzinfo=None),
            "interval_ms": 1_000,
            "latency_ms": 3.0,
            "bgp_state": "ESTABLISHED",
        }
        full = {name: row.get(name) for name in WIRE_SCHEMA.names}
        (value,) = encode(pa.Table.from_pylist([full], schema=WIRE_SCHEMA), batch=1)
        sink.send(Message(world.circuit(circuit_id).partition, circuit_id.encode(), value))
    sink.close()
    return broker.ends(topic)


def node(broker: Broker, topic: str, folder: Path, **more: object) -> Parts:
    return build(
        folder, broker.proxy.bootstrap, topic, idle_after_seconds=IDLE_SECONDS,
        allowed_lateness_seconds=LATENESS_SECONDS, **more,
    )  # fmt: skip


def complete_up_to(parts: Parts, circuit_id: str) -> int:
    (found,) = (c for c in parts.queries.circuits(EVERYONE) if c.circuit_id == circuit_id)
    return found.complete_up_to_s


def now_s() -> int:
    return CLOCK.now_us() // US


class LaggingSource(KafkaSource):
    """A consumer that gets nothing, though the broker is asked and answers, until it is let go."""

    lags = False
    held = threading.Event()

    def poll(self, timeout_seconds: float) -> Poll:
        if self.lags:
            self.pause()
            self.held.set()
        return super().poll(timeout_seconds)

    def resume(self) -> None:
        if not self.lags:
            super().resume()


@pytest.mark.kafka
def test_a_lagging_consumer_and_a_dead_broker_make_no_unknown_time(
    broker: Broker, tmp_path: Path
) -> None:
    world = network("DEN-1")
    world.write_config(tmp_path)
    topic = broker.new_topic()
    sources: list[LaggingSource] = []

    def lagging(source: KafkaSource) -> LaggingSource:
        source.__class__ = LaggingSource
        assert isinstance(source, LaggingSource)
        sources.append(source)
        return source

    parts = node(broker, topic, tmp_path, source_of=lagging)
    first_s = now_s()
    ends = send(broker, topic, world, {"DEN-1": first_s})
    parts.node.start()
    assert parts.node.wait_until(all_read(ends), SECONDS_MAX)

    sources[0].lags = True
    assert sources[0].held.wait(SECONDS_MAX)  # a poll that had begun may still bring something
    waiting_s = now_s()
    ends = send(broker, topic, world, {"DEN-1": waiting_s})
    arrived = parts.node.wait_until(all_read(ends), MUCH_LONGER_SECONDS)
    while_lagging_s = complete_up_to(parts, "DEN-1")
    sources[0].lags = False
    assert parts.node.wait_until(all_read(ends), SECONDS_MAX)

    broker.proxy.cut()
    broker.kafka.stop()
    cut_s = now_s()
    parts.node.wait_until(lambda _: False, MUCH_LONGER_SECONDS)
    while_dead_s = complete_up_to(parts, "DEN-1")
    broker.kafka.start()
    broker.proxy.heal()
    confirmed = parts.node.wait_until(
        lambda _: complete_up_to(parts, "DEN-1") >= cut_s, SECONDS_MAX
    )
    parts.close()

    assert not arrived
    assert while_lagging_s <= waiting_s
    assert while_dead_s <= cut_s
    assert confirmed, "a broker that is back confirms that nothing came"
    assert ledger_late(tmp_path, topic, broker) == 0


def ledger_late(folder: Path, topic: str, broker: Broker) -> int:
    parts = node(broker, topic, folder)
    try:
        return ledger_counts(parts.queries).get("late", 0)
    finally:
        parts.store.close()


@pytest.mark.kafka
def test_an_idle_partition_lets_a_month_become_final(broker: Broker, tmp_path: Path) -> None:
    world = part_of(small_world(), "FRA-1", "LON-2")
    world.write_config(tmp_path)
    topic = broker.new_topic()
    ends = broker.fill(topic, world, world.start_s, world.end_s)
    parts = node(broker, topic, tmp_path)
    parts.node.start()

    def november_is_final(_: object) -> bool:
        months = [parts.queries.month(EVERYONE, c.id, "2025-11") for c in world.circuits]
        return all(month is not None and month.final for month in months)

    read = parts.node.wait_until(all_read(ends), SECONDS_MAX)
    final = parts.node.wait_until(november_is_final, SECONDS_MAX)
    parts.close()

    assert read
    assert final


@pytest.mark.kafka
def test_a_clock_that_runs_ahead_drags_no_watermark_and_makes_no_neighbour_late(
    broker: Broker, tmp_path: Path
) -> None:
    world = network("DEN-1", "DEN-2", "LON-2")
    neighbours = {c.id: c.partition for c in world.circuits}
    world.write_config(tmp_path)
    topic = broker.new_topic()
    parts = build(tmp_path, broker.proxy.bootstrap, topic)  # allowed lateness: 30 s
    parts.node.start()
    sent_s = now_s()

    for ahead in (240, 600):  # up to 5 min ahead is accepted
        send(broker, topic, world, dict.fromkeys(neighbours, sent_s + ahead))
    ends = send(broker, topic, world, dict.fromkeys(neighbours, sent_s - 5))
    read = parts.node.wait_until(all_read(ends), SECONDS_MAX)
    complete = {name: complete_up_to(parts, name) for name in neighbours}
    counts = ledger_counts(parts.queries)
    with parts.store.reader() as cursor:
        kept = cursor.execute("select count(*) from samples").fetchone()
    parts.close()

    assert read
    assert kept == (6,)
    assert counts == {"rejected": 3}
    assert all(second <= now_s() - 30 for second in complete.values())
