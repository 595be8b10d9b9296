"""`linksla run`: one node, until Ctrl-C or until something it cannot go on without fails."""

import argparse
import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from cli.configuration import Configuration, load_configuration
from cli.lock import node_lock
from cli.stopping import stop_on_signal
from cli.wiring import Running
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import SystemClock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--config", type=Path, default=Path("config"), help="linksla.yaml or folder"
    )
    parser.add_argument(
        "--kafka", metavar="HOST:PORT", help="an existing cluster (or LINKSLA_KAFKA)"
    )
    parser.add_argument(
        "--accept-gap",
        action="store_true",
        help="go on where messages are gone or the topic is another one; the gap is written down",
    )
    parser.add_argument("--port", type=int, help="port of portal and API; 0 picks a free one")


def run(arguments: argparse.Namespace) -> int:
    """Run a node until it is told to stop; exit 1 when it, or a broker of its own, ended by itself.

    A cluster that is away is waited for.
    """
    stop = stop_on_signal()
    configuration = load_configuration(arguments.config)
    if arguments.port is not None:
        web = replace(configuration.settings.web, port=arguments.port)
        configuration = replace(configuration, settings=replace(configuration.settings, web=web))
    with ExitStack() as stack:
        stack.enter_context(node_lock(configuration.settings.data))
        bootstrap, check_broker = kafka_for(configuration, arguments.kafka, stack)
        running = Running(configuration, bootstrap, SystemClock(), accept_gap=arguments.accept_gap)
        stack.callback(running.stop)
        running.start()
        stack.enter_context(settled())
        print(f"Kafka   {bootstrap}, topic {configuration.settings.kafka.topic}")
        print(f"portal  http://{configuration.settings.web.host}:{running.web.port}", flush=True)
        while not stop.is_set() and not running.node.wait(0.5):
            check_broker()
    return 0


@contextmanager
def settled() -> Iterator[None]:
    """Leave what stays for good, the inventory above all, out of garbage collections meanwhile.

    With 20,000 circuits each full collection stopped every thread for 0.2 to 0.3 s. At its end a
    process collects all: DuckDB prints 40 lines about whatever is left out then.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _nothing_to_check() -> None:
    """Do nothing: a cluster that is not ours may come back."""


def kafka_for(
    configuration: Configuration, named: str | None, stack: ExitStack
) -> tuple[str, Callable[[], None]]:
    """Return the bootstrap address: the named cluster, the configured one, or our own broker.

    With it comes what raises StreamError once our own broker has ended by itself.
    """
    import os

    bootstrap = named or os.environ.get("LINKSLA_KAFKA") or configuration.settings.kafka.bootstrap
    check = _nothing_to_check
    if bootstrap is None:
        broker = EmbeddedKafka(
            configuration.settings.data / "kafka",
            port=configuration.settings.kafka.port,
            clock=SystemClock(),
        )
        broker.start()
        stack.callback(broker.stop)
        bootstrap, check = broker.bootstrap, broker.check
    ensure_topics(bootstrap)
    return bootstrap, check
