"""Whatever happens to the broker or to the network, a node goes on and ends with the truth."""

from pathlib import Path

import pytest

from ingest import kafka_source
from simulator.world import World
from tests.chaos.broker import Broker
from tests.chaos.comparison import untruths
from tests.chaos.node import Parts, all_read, build
from tests.chaos.worlds import part_of, small_world

SECONDS_MAX = 60.0
FETCHED_BYTES = 40_000


@pytest.fixture
def world() -> World:
    return part_of(small_world(), "DEN-1", "LON-2")


def wait_until_fetching(broker: Broker, parts: Parts, before: int) -> None:
    """Wait until the node is in the middle of its first large answer."""
    reached = parts.node.wait_until(
        lambda _: broker.proxy.passed_bytes > before + FETCHED_BYTES, SECONDS_MAX
    )
    assert reached


def read_so_far(parts: Parts) -> int:
    return sum(parts.writer.next_offsets().values())


@pytest.mark.kafka
def test_a_broker_that_restarts_while_a_node_reads_costs_nothing(
    broker: Broker, world: World, tmp_path: Path
) -> None:
    world.write_config(tmp_path)
    topic = broker.new_topic()
    middle = (world.start_s + world.end_s) // 2
    ends = broker.fill(topic, world, world.start_s, middle)
    parts = build(tmp_path, broker.proxy.bootstrap, topic)
    passed = broker.proxy.passed_bytes
    broker.proxy.bytes_per_second = 100_000
    parts.node.start()
    wait_until_fetching(broker, parts, passed)
    before = read_so_far(parts)

    broker.kafka.stop()
    broker.kafka.start()
    broker.proxy.heal()
    assert before < sum(ends.values()), "all was read before the broker stopped"
    ends = broker.fill(topic, world, middle, world.end_s)
    done = parts.node.wait_until(all_read(ends), SECONDS_MAX)
    parts.close()

    assert done
    assert untruths(world, tmp_path) == []


@pytest.mark.kafka
@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_network_that_fails_while_a_node_reads_costs_nothing(
    broker: Broker, world: World, tmp_path: Path, fault: str
) -> None:
    world.write_config(tmp_path)
    topic = broker.new_topic()
    ends = broker.fill(topic, world, world.start_s, world.end_s)
    parts = build(tmp_path, broker.proxy.bootstrap, topic)
    passed = broker.proxy.passed_bytes
    broker.proxy.bytes_per_second = 100_000
    parts.node.start()
    wait_until_fetching(broker, parts, passed)
    before = read_so_far(parts)

    getattr(broker.proxy, fault)()
    stood_still = not parts.node.wait_until(all_read(ends), 4)
    broker.proxy.heal()
    done = parts.node.wait_until(all_read(ends), SECONDS_MAX)
    parts.close()

    assert before < sum(ends.values())
    assert stood_still
    assert done
    assert untruths(world, tmp_path) == []


@pytest.mark.kafka
def test_a_backlog_behind_a_slow_broker_is_read(
    broker: Broker, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that takes longer than its time limit must not be asked for again and again."""
    monkeypatch.setattr(kafka_source, "_REQUEST_MS", 1_000)  # a fetch may take 2 s instead of 10
    world.write_config(tmp_path)
    topic = broker.new_topic()
    ends = broker.fill(topic, world, world.start_s, world.end_s)
    parts = build(tmp_path, broker.proxy.bootstrap, topic)
    broker.proxy.bytes_per_second = 600_000  # all of it takes about 3 s
    before = broker.proxy.passed_bytes
    parts.node.start()
    done = parts.node.wait_until(all_read(ends), SECONDS_MAX)
    passed = broker.proxy.passed_bytes - before
    broker.proxy.heal()
    parts.close()

    assert done, f"read {read_so_far(parts)} of {sum(ends.values())} messages"
    assert passed > 2 * 600_000, "one fetch within its time brought all"
    assert untruths(world, tmp_path) == []
