"""A node that reads a topic to given offsets, or is killed at the n-th passing of a fault point.

Run by test_crash.py: crashing_node.py CONFIG BOOTSTRAP TOPIC ENDS [POINT NTH]
"""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from cli.configuration import load_configuration
from cli.node import Node
from cli.wiring import build_queries, telemetry_path
from dashboards.live import LiveFeed
from ingest.kafka_source import KafkaSource
from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.stores import TelemetryStore
from processors.writer import Writer

FAR_SECONDS = 10**9


class DyingWriter(Writer):
    """Kills its own process, without any goodbye, where it is told to."""

    point = ""
    nth = 0

    def _at(self, point: str) -> None:
        if point == self.point:
            self.nth -= 1
            if self.nth == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(
    config: str, bootstrap: str, topic: str, ends: str, point: str = "", nth: str = "0"
) -> int:
    configuration = load_configuration(Path(config))
    settings = configuration.settings
    settings = replace(settings, time=replace(settings.time, idle_after_seconds=FAR_SECONDS))
    configuration = replace(configuration, settings=settings)
    clock, meters = SystemClock(), Meters()
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    writer = DyingWriter(store, configuration.inventory, topic, settings.time, clock, meters)
    writer.point, writer.nth = point, int(nth)
    node = Node(
        configuration,
        source=KafkaSource(bootstrap, topic=topic, clock=clock, meters=meters),
        store=store,
        writer=writer,
        queries=build_queries(configuration, store, clock),
        live=LiveFeed(),
        clock=clock,
        meters=meters,
    )
    node.start()
    targets = {int(partition): end for partition, end in json.loads(ends).items()}
    done = node.wait_until(lambda at: all(at.get(p, 0) >= end for p, end in targets.items()), 120)
    if point:
        node.wait(60)  # all is read: the point is passed by an empty poll soon
    node.stop()
    store.close()
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
