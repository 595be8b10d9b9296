"""Killed at many random points, a node ends with the truth, and with an undisturbed one's rows."""

import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.topics import end_offsets
from simulator.emit import KafkaSink, emit
from tests.chaos.comparison import differences, untruths
from tests.chaos.kill_server import KillServer, Order
from tests.chaos.node import POINTS
from tests.chaos.worlds import scenarios_left_out, small_world

KILLS = int(os.environ.get("LINKSLA_CHAOS_KILLS", "60"))  # 200 in CI, more by `make chaos`
SEED = int(os.environ.get("LINKSLA_CHAOS_SEED", "7"))
AT_ANY_INSTANT = 0.15
"""The share of kills that come from outside, at no point in particular."""


NODES = ("one", "two")
"""Two nodes on two cores, each with its own store and half of the kills, read the same stream."""


@pytest.fixture
def servers() -> Iterator[tuple[KillServer, ...]]:
    servers = tuple(KillServer() for _ in NODES)
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.close()


def orders(plain: Order, chance: random.Random, kills: int) -> Iterator[Order]:
    """Yield an order for each kill: all points in turn, shuffled, and random instants."""
    points: list[str] = []
    for _ in range(kills):
        seed = chance.getrandbits(32)
        if chance.random() < AT_ANY_INSTANT:
            yield replace(plain, seed=seed, after_seconds=chance.uniform(0.01, 0.6))
            continue
        points = points or chance.sample(POINTS, len(POINTS))
        yield replace(plain, seed=seed, point=points.pop(), nth=chance.randint(1, 3))


def test_every_scenario_happens_in_the_small_world() -> None:
    assert scenarios_left_out() == set()


@pytest.mark.kafka
@pytest.mark.timeout(120 + KILLS * 3)
def test_killed_anywhere_a_node_ends_with_the_truth(
    kafka, servers: tuple[KillServer, ...], tmp_path: Path
) -> None:
    world = small_world()
    topic = kafka.new_topic()
    sink = KafkaSink(kafka.bootstrap, topic)
    sink.start()
    emit(world, sink, world.start_s, world.end_s, batch=20)
    sink.close()
    ends = {str(key): end for key, end in end_offsets(kafka.bootstrap, topic).items()}
    for name in ("undisturbed", *NODES):
        world.write_config(tmp_path / name)

    def plain(name: str) -> Order:
        return Order(str(tmp_path / name), kafka.bootstrap, topic, ends)

    def killed(number: int) -> tuple[list[int], int]:
        """Return how the processes of a node ended: those to be killed, and the last."""
        chance, kills = random.Random(f"{SEED} {number}"), (KILLS + number) // len(NODES)
        order = plain(NODES[number])
        ended = [servers[number].run(each) for each in orders(order, chance, kills)]
        return ended, servers[number].run(order)

    undisturbed = servers[0].run(plain("undisturbed"))
    with ThreadPoolExecutor(len(NODES)) as pool:
        ended = list(pool.map(killed, range(len(NODES))))

    assert undisturbed == 0
    assert [last for _, last in ended] == [0, 0]
    assert [status for kills, _ in ended for status in kills] == [-signal.SIGKILL] * KILLS
    for name in NODES:
        found = differences(tmp_path / name, tmp_path / "undisturbed")
        assert found == {}, f"seed {SEED}, node {name}"
    assert untruths(world, tmp_path / NODES[0]) == [], f"seed {SEED}"
