"""`linksla kafka`: the embedded Kafka, until Ctrl-C."""

import argparse
from pathlib import Path

from cli.stopping import stop_on_signal
from ingest.embedded_kafka import EmbeddedKafka
from ingest.kafka_jars import fetch_jars
from ingest.topics import ensure_topics
from linksla.clock import SystemClock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", type=Path, default=Path("var/kafka"), help="its data directory")
    parser.add_argument("--port", type=int, default=9092, help="0 picks a free one")
    parser.add_argument("--fetch", action="store_true", help="only fetch Kafka's jars")


def run(arguments: argparse.Namespace) -> int:
    """Start the broker, make the topics, serve until told to stop."""
    if arguments.fetch:
        fetch_jars()
        return 0
    stop = stop_on_signal()
    broker = EmbeddedKafka(arguments.data, port=arguments.port, clock=SystemClock())
    broker.start()
    try:
        ensure_topics(broker.bootstrap)
        print(f"Kafka serves on {broker.bootstrap}, data in {arguments.data}; Ctrl-C stops it")
        while not stop.wait(0.5):
            broker.check()
    finally:
        broker.stop()
    return 0
