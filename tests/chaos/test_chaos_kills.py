"""Killed at many random points, a node ends with the truth, and with an undisturbed one's rows."""

import os
import random
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from ingest.topics import end_offsets
from processors.moving import CONTEXT_US, DAY_US
from simulator.emit import KafkaSink, emit
from simulator.world import World
from tests.chaos.comparison import differences, untruths, upkeep
from tests.chaos.kill_server import KillServer, Order
from tests.chaos.node import (
    COMPACTION_POINTS,
    KEPT,
    MERGE_POINTS,
    MOVE_POINTS,
    ORDERING_POINTS,
    POINTS,
    REMOVAL_POINTS,
    STRAIGHT_POINTS,
)
from tests.chaos.worlds import scenarios_left_out, small_world

US = 1_000_000
KILLS = int(os.environ.get("LINKSLA_CHAOS_KILLS", "60"))  # 200 in CI, more by `make chaos`
SEED = int(os.environ.get("LINKSLA_CHAOS_SEED", "7"))
AT_ANY_INSTANT = 0.15
"""The share of kills that come from outside, at no point in particular."""


NODES = ("one", "two")
"""Two nodes on two cores, each with its own store, read the same stream.

The second, with a third of the kills, keeps house: it moves, merges, compacts and removes between
its polls, and dies in it. Of its polls some go straight to files.
"""
STAGE_SECONDS = 4 * 3_600
STAGES_A_DAY = 6
REMOVED_FROM_STAGE = (KEPT.raw_days * DAY_US + CONTEXT_US) // US // STAGE_SECONDS + 1
Ends = dict[str, int]
DAILY_POINTS = (COMPACTION_POINTS, ORDERING_POINTS)
"""Passed once a day: the small world has days for the kills at one of them a round."""


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


def sent_in_stages(world: World, bootstrap: str, topic: str) -> list[Ends]:
    """Send a world four hours at a time; return where the topic ended after each."""
    stages = []
    sink = KafkaSink(bootstrap, topic)
    sink.start()
    for start_s in range(world.start_s, world.end_s, STAGE_SECONDS):
        emit(world, sink, start_s, min(start_s + STAGE_SECONDS, world.end_s), batch=20)
        sink.flush()
        ends = end_offsets(bootstrap, topic)
        stages.append({str(partition): end for partition, end in ends.items()})
    sink.close()
    return stages


def house_orders(plain: Order, chance: random.Random, kills: int) -> Iterator[Order]:
    """Yield the same for a node that keeps house, half of them for its own points, removal last."""
    last = min(len(REMOVAL_POINTS), kills // 6)
    house: list[str] = []
    daily = cycle(DAILY_POINTS)
    for number, order in enumerate(orders(plain, chance, kills - last)):
        if order.point and number % 2 == 0:
            if not house:
                house = [*MOVE_POINTS, *MERGE_POINTS, *STRAIGHT_POINTS, *next(daily)]
                chance.shuffle(house)
            order = replace(order, point=house.pop(), nth=1)
        yield order
    for point in REMOVAL_POINTS[:last]:
        yield replace(plain, seed=chance.getrandbits(32), point=point, nth=1)


def obeyed(server: KillServer, order: Order, stages: Sequence[Ends], at: int) -> tuple[int, int]:
    """Run an order on the first stage of the stream, from `at` on, in which its process dies.

    Returns the stage and how the last process ended.
    """
    while True:
        status = server.run(replace(order, ends=stages[at]))
        if status != 0 or at == len(stages) - 1:
            return at, status
        if any(
            order.point in points for points in DAILY_POINTS
        ):  # nothing more is closed before the next day is
            at = at // STAGES_A_DAY * STAGES_A_DAY + STAGES_A_DAY - 1
        at = min(at + 1, len(stages) - 1)


def test_every_scenario_happens_in_the_small_world() -> None:
    assert scenarios_left_out() == set()


@pytest.mark.kafka
@pytest.mark.timeout(120 + KILLS * 3)
def test_killed_anywhere_a_node_ends_with_the_truth(
    kafka, servers: tuple[KillServer, ...], tmp_path: Path
) -> None:
    world = small_world()
    topic = kafka.new_topic()
    stages = sent_in_stages(world, kafka.bootstrap, topic)
    for name in ("undisturbed", *NODES):
        world.write_config(tmp_path / name)

    def plain(name: str) -> Order:
        return Order(str(tmp_path / name), kafka.bootstrap, topic, stages[-1])

    def killed(number: int) -> tuple[list[int], int]:
        """Return how the processes of a node ended: those to be killed, and the last."""
        chance, kills = random.Random(f"{SEED} {number}"), KILLS * 2 // 3
        order = plain(NODES[number])
        ended = [servers[number].run(each) for each in orders(order, chance, kills)]
        return ended, servers[number].run(order)

    def killed_in_its_house(number: int) -> tuple[list[int], int]:
        """Do the same while the stream grows, so that there is house to keep for every kill.

        Near its end a process may find none left and end by itself: that is not counted.
        """
        chance, kills = random.Random(f"{SEED} {number}"), KILLS - KILLS * 2 // 3
        order = replace(plain(NODES[number]), keeps_house=True)
        ended, at = [], 0
        for done, each in enumerate(house_orders(order, chance, kills)):
            old = REMOVED_FROM_STAGE if each.point in REMOVAL_POINTS else 0
            at = max(at, old, done * REMOVED_FROM_STAGE // kills)
            at, status = obeyed(servers[number], each, stages, at)
            if status != 0:
                ended.append(status)
        return ended, servers[number].run(order)

    undisturbed = servers[0].run(plain("undisturbed"))
    with ThreadPoolExecutor(len(NODES)) as pool:
        ways = (killed, killed_in_its_house)
        ended = [way.result() for way in [pool.submit(way, n) for n, way in enumerate(ways)]]

    assert undisturbed == 0
    assert [last for _, last in ended] == [0, 0]
    assert {status for kills, _ in ended for status in kills} == {-signal.SIGKILL}
    assert sum(len(kills) for kills, _ in ended) >= KILLS * 0.95
    kept = upkeep(tmp_path / NODES[1])
    kept_from_us = kept["watermark_us"] - KEPT.raw_days * DAY_US - CONTEXT_US
    for name, from_us in zip(NODES, (0, kept_from_us), strict=True):
        found = differences(tmp_path / name, tmp_path / "undisturbed", from_us)
        assert found == {}, f"seed {SEED}, node {name}"
    for name in NODES:
        assert untruths(world, tmp_path / name) == [], f"seed {SEED}"
    assert kept["first_us"] > world.start_s * US, "nothing was removed"
    assert kept["files"] > 100
    assert kept["parts"] < 1.2 * kept["steps"]
    assert kept["orphans"] == 0
