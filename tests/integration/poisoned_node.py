"""A node that is killed by messages holding POISON, while it decodes them.

Run by test_ingest_poison_kills.py: poisoned_node.py CONFIG BOOTSTRAP TOPIC ENDS
"""

import json
import os
import signal
import sys
from pathlib import Path

from cli.configuration import load_configuration
from cli.node import Node
from cli.wiring import build_queries, telemetry_path
from dashboards.live import LiveFeed
from ingest.decode import Decoder
from ingest.kafka_source import KafkaSource
from ingest.poison import InFlight
from ingest.rows import Messages
from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.stores import TelemetryStore
from processors.writer import Writer

POISON = b"POISON"
decode = Decoder.decode


def dying(self: Decoder, messages: Messages) -> object:
    if any(POISON in value for value in messages.values if value):
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(self, messages)


def main(config: str, bootstrap: str, topic: str, ends: str) -> int:
    Decoder.decode = dying  # type: ignore[assignment, method-assign]
    configuration = load_configuration(Path(config))
    settings, clock, meters = configuration.settings, SystemClock(), Meters()
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    in_flight = InFlight(settings.data)
    writer = Writer(store, configuration.inventory, topic, settings.time, clock, meters)
    node = Node(
        configuration,
        source=KafkaSource(bootstrap, topic=topic, clock=clock, meters=meters, in_flight=in_flight),
        store=store,
        writer=writer,
        queries=build_queries(configuration, store, clock),
        live=LiveFeed(),
        clock=clock,
        meters=meters,
        in_flight=in_flight,
    )
    node.start()
    targets = {int(partition): end for partition, end in json.loads(ends).items()}
    done = node.wait_until(lambda at: all(at.get(p, 0) >= end for p, end in targets.items()), 60)
    node.stop()
    store.close()
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
