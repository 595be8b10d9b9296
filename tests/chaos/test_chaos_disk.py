"""On a full disk a node ends and says so; with space again it resumes, and nothing is amiss."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.topics import end_offsets
from simulator.emit import KafkaSink, emit
from simulator.world import World
from tests.chaos.comparison import untruths
from tests.chaos.kill_server import KillServer, Order
from tests.chaos.worlds import part_of, small_world
from tests.conftest import required

FULL_BYTES = 3 * 1024 * 1024
"""An empty store is smaller than this, the whole of the stream is larger."""


@pytest.fixture
def server() -> Iterator[KillServer]:
    server = KillServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is a file system of its own, of FULL_BYTES."""
    folder = tmp_path / "var"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        required("a file system of a given size (mount)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def order_for(world: World, kafka, folder: Path) -> Order:
    world.write_config(folder)
    topic = kafka.new_topic()
    sink = KafkaSink(kafka.bootstrap, topic)
    sink.start()
    emit(world, sink, world.start_s, world.end_s, batch=20)
    sink.close()
    ends = {str(key): end for key, end in end_offsets(kafka.bootstrap, topic).items()}
    return Order(str(folder), kafka.bootstrap, topic, ends, small_polls=True)


@pytest.mark.kafka
def test_a_file_that_cannot_grow_ends_the_node_and_loses_nothing(
    kafka, server: KillServer, tmp_path: Path
) -> None:
    world = part_of(small_world(), "DEN-1", "LON-2")
    order = order_for(world, kafka, tmp_path)

    full = server.run(order.with_files_up_to(FULL_BYTES))
    said = (tmp_path / "last_words").read_text()
    resumed = server.run(order)

    assert full == 1
    assert "Check free space and the disk, then start again" in said
    assert resumed == 0
    assert untruths(world, tmp_path) == []


@pytest.mark.kafka
def test_a_full_disk_ends_the_node_and_loses_nothing(
    kafka, server: KillServer, tmp_path: Path, small_disk: Path
) -> None:
    world = part_of(small_world(), "DEN-1", "LON-2")
    order = order_for(world, kafka, tmp_path)

    full = server.run(order)
    said = (tmp_path / "last_words").read_text()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    resumed = server.run(order)

    assert full == 1
    assert "Check free space and the disk, then start again" in said
    assert resumed == 0
    assert untruths(world, tmp_path) == []
