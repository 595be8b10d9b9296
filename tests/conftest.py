"""Fixtures that all tests share."""

import atexit
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingest.embedded_kafka import EmbeddedKafka
from linksla.errors import StreamError
from linksla.inventory import Inventory, load_inventory
from linksla.names import SAMPLES_PARTITIONS
from linksla.stores import TelemetryStore
from linksla.wire import partition_of

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"


def required(what: str) -> None:
    """Skip by name when a real server cannot be had; fail where LINKSLA_REQUIRE=all."""
    if os.environ.get("LINKSLA_REQUIRE") == "all":
        pytest.fail(f"{what} is required by LINKSLA_REQUIRE=all")
    pytest.skip(f"{what} cannot be had here")


def load_vectors(name: str) -> Any:
    """Read a vector file: the shared one where there is one, else the project's own copy."""
    shared = SHARED / "vectors" / f"{name}.json"
    own = HERE / "data" / "vectors" / f"{name}.json"
    return json.loads((shared if shared.exists() else own).read_text())


def pytest_unconfigure() -> None:
    """Hush DuckDB at the interpreter's end, when all that pytest has to say is said.

    Hypothesis keeps modules alive to the last, and nanobind then prints 40 lines about them.
    """
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


@pytest.fixture(scope="session")
def vectors() -> Any:
    """Return a function that reads a vector file by name."""
    return load_vectors


@pytest.fixture(scope="session")
def rtt_traces() -> Path:
    """Return the folder of RIPE Atlas traces."""
    shared = SHARED / "data" / "ripe-atlas-rtt"
    return shared if shared.exists() else HERE / "data" / "ripe-atlas-rtt"


@pytest.fixture
def memory_store() -> Iterator[TelemetryStore]:
    """Return an empty telemetry store in memory."""
    store = TelemetryStore(None)
    store.start()
    yield store
    store.close()


@dataclass(frozen=True)
class RunningKafka:
    """A broker that serves, and topics nobody else uses."""

    bootstrap: str

    def new_topic(self, *, partitions: int = SAMPLES_PARTITIONS, **settings: str) -> str:
        """Make a topic as `link.samples` is made, under a name of its own, and return the name.

        `settings` are added to it, with _ for the dots: `retention_ms="-1"`.
        """
        from kafka import KafkaAdminClient

        name = f"test.{uuid.uuid4().hex}"
        configs = {
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(64 * 1024 * 1024),
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics(
                {name: {"num_partitions": partitions, "configs": configs}}, wait_for_metadata=True
            )
        finally:
            admin.close()
        return name


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKafka]:
    """Return a real Kafka: LINKSLA_KAFKA where it is set, else the embedded one."""
    existing = os.environ.get("LINKSLA_KAFKA")
    if existing:
        yield RunningKafka(existing)
        return
    broker = EmbeddedKafka(tmp_path_factory.mktemp("kafka"), port=0)
    try:
        broker.start()
    except StreamError as error:
        required(f"an embedded Kafka ({error})")
    yield RunningKafka(broker.bootstrap)
    broker.stop()


INVENTORY = """
customers:
  - {id: acme, name: Acme Corp}
  - {id: globex, name: Globex}
circuits:
  - id: DEN-1
    owners: [{customer: acme}]
    contract: last-mile
    site: Denver
    region: us-west-2
    bandwidth_mbps: 10000
    grid_seconds: 10
    active_from: 2025-10-01T00:00:00Z
    channels: [{name: ch1}, {name: ch2}, {name: ch3}, {name: ch4}]
  - id: DEN-2
    owners: [{customer: acme}]
    contract: last-mile
    site: Denver
    region: us-east-1
    bandwidth_mbps: 1000
    grid_seconds: 60
    active_from: 2025-10-01T00:00:00Z
    channels: [{name: ch1}, {name: ch2}, {name: ch3}, {name: ch4}]
  - id: LON-1
    owners: [{customer: globex}]
    contract: single
    site: London
    region: eu-west-2
    bandwidth_mbps: 5000
    grid_seconds: 10
    active_from: 2025-10-05T12:00:00Z
    channels: [{name: primary}]
"""

LAST_MILE = """
id: last-mile
version: 1
title: AWS Interconnect last mile, 4 channels, 3 needed
source: aws.amazon.com/interconnect/sla, 15 April 2026
timezone: America/Denver
availability: {target_percent: 99.99, up_at_least: 3, consecutive: 10}
objectives:
  - {name: latency p95, metric: latency, statistic: p95, limit: 8}
  - {name: loss mean, metric: loss, statistic: mean, limit: 0.001}
maintenance: {notice_hours: 72, cap_hours_per_month: 4}
credit:
  basis: availability_percent
  bands: [[99.99, 0], [99.0, 10], [95.0, 25], [0, 100]]
"""

SINGLE = """
id: single
version: 1
title: One channel, 95 %
source: AWS Direct Connect, single connection
timezone: Europe/London
availability: {target_percent: 95, up_at_least: 1, consecutive: 3, denominator: whole_period}
"""

MAINTENANCE = """
windows:
  - id: CHG-7
    circuit: DEN-2
    start: 2025-10-20T06:00:00Z
    end: 2025-10-20T07:00:00Z
    announced_at: 2025-10-10T00:00:00Z
    proposed_by: carrier
    reason: card swap
"""

S = 86_400
OCTOBER = 1_759_276_800  # 2025-10-01T00:00:00Z


@dataclass(frozen=True)
class SmallNetwork:
    """A filled store and the configuration it was filled for.

    DEN-1: all four channels without BGP for 300 s from 2025-10-09T09:11:00Z (an outage of 300 s);
    ch2 alone for an hour on 2025-10-12. DEN-2: BGP down on all channels 2025-10-20T06:10:00Z to
    06:40, inside the accepted window CHG-7. LON-1: no samples on 2025-10-15 (one UTC day).
    All is complete up to 2025-12-03T00:00:00Z. Minute rollups: 2025-10-08 to 2025-10-10 only.
    """

    store: TelemetryStore
    inventory: Inventory
    folder: Path  # inventory.yaml, contracts/, maintenance.yaml


def write_config(folder: Path) -> None:
    """Write the small network's configuration files."""
    (folder / "contracts").mkdir(parents=True)
    (folder / "inventory.yaml").write_text(INVENTORY)
    (folder / "contracts" / "last-mile.yaml").write_text(LAST_MILE)
    (folder / "contracts" / "single.yaml").write_text(SINGLE)
    (folder / "maintenance.yaml").write_text(MAINTENANCE)


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    """Return a folder with the small network's configuration, without linksla.yaml."""
    folder = tmp_path / "config"
    write_config(folder)
    return folder


@pytest.fixture
def small_network(tmp_path: Path, memory_store: TelemetryStore) -> SmallNetwork:
    """Return a small network with two months of spans and three days of rollups."""
    folder = tmp_path / "config"
    write_config(folder)
    inventory = load_inventory(folder / "inventory.yaml")
    fill_small_network(memory_store, inventory)
    return SmallNetwork(memory_store, inventory, folder)


def fill_small_network(store: TelemetryStore, inventory: Inventory) -> None:
    """Insert channels, progress, offsets, spans and rollups as the writer would have."""
    writer = store.writer
    end = OCTOBER + 63 * S  # 2025-12-03
    bad = {
        "DEN-1": [((1, 2, 3, 4), OCTOBER + 8 * S + 33_060, 300), ((2,), OCTOBER + 11 * S, 3600)],
        "DEN-2": [((1, 2, 3, 4), OCTOBER + 19 * S + 22_200, 1800)],
    }
    key = 0
    for circuit in inventory.circuits.values():
        for number, channel in enumerate(circuit.channels, 1):
            key += 1
            writer.execute(
                "insert into channels values (?, ?, ?, ?, ?, ?, null)",
                [key, circuit.id, channel.name, partition_of(circuit.id), circuit.grid_seconds,
                 circuit.active_from],
            )  # fmt: skip
            writer.execute(
                "insert into channel_progress values (?, ?, ?)", [key, end * 1_000_000, end]
            )
            rows = []
            for day in range(63):
                lo, hi = max(circuit.active_from, OCTOBER + day * S), OCTOBER + (day + 1) * S
                if lo >= hi or (circuit.id == "LON-1" and day == 14):
                    continue
                cuts = [(lo, hi, 1)]
                for channels, start, seconds in bad.get(circuit.id, []):
                    if number in channels and lo <= start < hi:
                        cuts = [
                            (lo, start, 1),
                            (start, start + seconds, 2),
                            (start + seconds, hi, 1),
                        ]
                rows += [(key, a // S, a, b, bgp, 0) for a, b, bgp in cuts]
            writer.executemany("insert into spans values (?, ?, ?, ?, ?, ?)", rows)
            writer.execute(
                """
                insert into rollup_parts
                select $key, s, 6, 6, 6 * (3000 + s % 100), 2900, 3900, 0, 6, 600, 120, 6, 0, 0,
                    6, 6000000000, 1100000000, 6, 3000000000, 600000000,
                    [latency_bucket(3000 + s % 100)], [6]
                from range($start, $stop, 60) t(s)
                """,
                {"key": key, "start": OCTOBER + 7 * S, "stop": OCTOBER + 10 * S},
            )
    for partition in range(8):
        writer.execute(
            "insert into offsets values ('link.samples', ?, 100, ?, ?)",
            [partition, end * 1_000_000, end * 1_000_000],
        )
