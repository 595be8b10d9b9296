"""Which concrete parts a node is made of: the one place that knows them all."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from alerts.sender import Sender
from alerts.targets import KafkaTarget, Target, WebhookTarget
from cli.announced import LiveNetwork
from cli.configuration import Configuration
from cli.control import create_control_app
from cli.last_error import LastError
from cli.network import Network
from cli.node import Node
from cli.standing import Standing
from cli.web_server import WebServer
from dashboards.app import PortalDependencies, create_app
from dashboards.live import LiveFeed
from ingest.announcements import AnnouncementReader
from ingest.deadletter import DeadLetterSender
from ingest.kafka_source import KafkaSource
from ingest.librdkafka_source import LibrdkafkaSource
from ingest.poison import InFlight
from ingest.registry import AUTH_VARIABLE, ConfluentRegistry
from ingest.schema_cache import SchemaCache
from ingest.writer_schemas import WriterSchemas
from linksla.clock import Clock
from linksla.decisions import DecisionsStore, issued_versions
from linksla.errors import UsageError
from linksla.memory import collect_rarely, keep_freed_memory
from linksla.meters import Meters
from linksla.settings import Settings
from linksla.stores import TelemetryStore
from processors import distributions
from processors.held import Commits
from processors.housekeeping import Housekeeper
from processors.sample_files import SampleFiles
from processors.writer import Writer
from sla.contracts import distributions_asked
from sla.issued import nothing_issued
from sla.queries import Queries

log = logging.getLogger(__name__)


STOP_SECONDS_MAX: Final = 8.0
"""With the broker's 5 s a node ends within 13 s of a signal, under `cli.stopping`'s 15."""


class Part(Protocol):
    """What has a thread: told to end, then waited for."""

    def begin_stop(self) -> None:
        """Tell the thread to end; returns at once."""
        ...

    def stop(self, within_seconds: float) -> None:
        """End, or leave a thread that is late to itself."""
        ...


@dataclass
class Running:
    """A node and all that belongs to it, started in order and stopped in reverse."""

    configuration: Configuration
    bootstrap: str
    clock: Clock
    meters: Meters = field(default_factory=Meters)
    live: LiveFeed = field(default_factory=LiveFeed)
    accept_gap: bool = False
    _stops: list[Callable[[float], None]] = field(default_factory=list)  # given: seconds left
    _begins: list[Callable[[], None]] = field(default_factory=list)

    def start(self, *, web: bool = True) -> None:
        """Open the stores, read Kafka, judge, send, and serve.

        Raises:
            LinkslaError: whatever cannot be opened or reached; what was started is stopped again.
        """
        self._last_error = LastError(self.configuration.settings.data, self.clock, self.meters)
        self._last_error.start()
        try:
            self._start(web)
        except BaseException as error:
            self._last_error.stop(error if isinstance(error, Exception) else None)
            self.stop()
            raise

    def stop(self, within_seconds: float = STOP_SECONDS_MAX) -> None:
        """Stop everything that was started, last first; a part that fails to stop is logged.

        All are told first, so that what each still waits for, such as a broker that is away, it
        waits for beside the others. What is late is left to itself: a restart finds stores whole.
        """
        end = self.clock.monotonic_seconds() + within_seconds
        while self._begins:
            self._begins.pop()()
        while self._stops:
            stop = self._stops.pop()
            try:
                stop(max(end - self.clock.monotonic_seconds(), 0.1))
            except Exception:
                log.exception("could not stop cleanly")

    def _stop_with(self, part: Part) -> None:
        self._stops.append(part.stop)
        self._begins.append(part.begin_stop)

    def _start(self, web: bool) -> None:
        settings = self.configuration.settings
        keep_freed_memory()
        collect_rarely()
        self.telemetry = TelemetryStore(telemetry_path(self.configuration))
        self.telemetry.start()
        self._stops.append(lambda _: self.telemetry.close())
        self.decisions = DecisionsStore(decisions_path(self.configuration))
        self.decisions.start()
        self._stops.append(lambda _: self.decisions.close())
        self._hear_announcements()
        commits = Commits()
        self.queries = build_queries(
            self.configuration, self.telemetry, self.clock, self.decisions, commits
        )
        client = LibrdkafkaSource if settings.kafka.client == "librdkafka" else KafkaSource
        in_flight = InFlight(settings.data)
        self.source = client(
            self.bootstrap,
            topic=settings.kafka.topic,
            clock=self.clock,
            schemas=build_schemas(settings, self.clock, self.meters),
            in_flight=in_flight,
            meters=self.meters,
        )
        distributions.ask(self.telemetry.writer, distributions_asked(self.configuration.contracts))
        files = SampleFiles(self.telemetry)
        self.writer = Writer(
            self.telemetry,
            self.configuration.inventory,
            settings.kafka.topic,
            settings.time,
            self.clock,
            self.meters,
            retention=settings.retention,
            commits=commits,
            files=files,
        )
        self.housekeeper = Housekeeper(
            self.telemetry, settings.retention, settings.storage, self.clock, self.meters,
            settled=self.queries.settled, files=files,
        )  # fmt: skip
        self.node = Node(
            self.configuration,
            source=self.source,
            store=self.telemetry,
            writer=self.writer,
            queries=self.queries,
            live=self.live,
            clock=self.clock,
            meters=self.meters,
            in_flight=in_flight,
            housekeeper=self.housekeeper,
            accept_gap=self.accept_gap,
        )
        self._stops.append(lambda _: self._last_error.stop(self.node.failure))
        self.node.start()
        self._stop_with(self.node)
        self._live_network.follow(self.node, self.writer, self.queries)
        self._stop_with(self._reader)
        targets: list[Target] = [KafkaTarget(self.bootstrap)]
        targets += [WebhookTarget(webhook) for webhook in settings.webhooks]
        sender = Sender(self.telemetry, self.decisions, targets, self.clock, self.meters)
        sender.start()
        self._stop_with(sender)
        dead_letters = DeadLetterSender(self.bootstrap, self.telemetry, self.decisions, self.clock)
        dead_letters.start()
        self._stop_with(dead_letters)
        self._serve(web)

    def _hear_announcements(self) -> None:
        """Read both topics to their end, so that what the node judges first is judged by them."""
        network = Network(self.configuration, self.decisions)
        self._reader = AnnouncementReader(self.bootstrap, self.clock)
        self._live_network = LiveNetwork(network, self._reader, self.telemetry)
        self._stop_with(self._reader)
        self._live_network.start()
        self.configuration = network.configuration

    def _serve(self, web: bool) -> None:
        settings = self.configuration.settings
        standing = Standing(
            self.configuration, self.telemetry, self.queries, self.meters, self.clock
        )
        self.meters.before_reading(standing.update)
        self._stops.append(lambda _: self.meters.before_reading(None))
        control = WebServer(
            create_control_app(self.queries, self.decisions, self.clock, standing),
            where=socket_path(self.configuration),
            name="control",
        )
        control.start()
        self._stop_with(control)
        if not web:
            return
        app = create_app(
            PortalDependencies(
                queries=self.queries,
                decisions=self.decisions,
                clock=self.clock,
                meters=self.meters,
                live=self.live,
            )
        )
        self.web = WebServer(app, where=(settings.web.host, settings.web.port), name="web")
        self.web.start()
        self._stop_with(self.web)
        self._begins.append(self.live.close)  # open event streams end before the server waits


def build_schemas(settings: Settings, clock: Clock, meters: Meters) -> WriterSchemas:
    """Return the known writer schemas, and the registry's where there is one."""
    kafka = settings.kafka
    if kafka.schema_registry is None:
        return WriterSchemas()
    registry = ConfluentRegistry(
        kafka.schema_registry,
        clock,
        auth=os.environ.get(AUTH_VARIABLE) or kafka.schema_registry_auth,
        unknown_after_seconds=kafka.unknown_schema_after_seconds,
        cache=SchemaCache(settings.data / "schemas"),
        meters=meters,
    )
    return WriterSchemas(registry=registry)


def build_queries(
    configuration: Configuration,
    store: TelemetryStore,
    clock: Clock,
    decisions: DecisionsStore | None = None,
    commits: Commits | None = None,
) -> Queries:
    """Return the door to an open store's numbers; `decisions` know which reports are issued.

    `commits`: what a writer in this process holds of its last ones.
    """
    return Queries(
        store,
        configuration.inventory,
        configuration.contracts,
        configuration.maintenance,
        configuration.settings.time,
        clock,
        configuration.reclassified,
        nothing_issued if decisions is None else lambda: issued_versions(decisions.engine),
        commits,
    )


@contextmanager
def opened(configuration: Configuration, clock: Clock) -> Iterator[tuple[Queries, DecisionsStore]]:
    """Open the stores for one command, while no node holds them.

    Raises:
        UsageError: no node has written anything there.
        StoreError: retryable when a node holds the database.
    """
    check_data(configuration)
    with ExitStack() as stack:
        telemetry = TelemetryStore(telemetry_path(configuration))
        telemetry.start()
        stack.callback(telemetry.close)
        decisions = DecisionsStore(decisions_path(configuration))
        decisions.start()
        stack.callback(decisions.close)
        network = Network(configuration, decisions)
        network.load()
        yield build_queries(network.configuration, telemetry, clock, decisions), decisions


def check_data(configuration: Configuration) -> None:
    """Make sure that a node has written something where the configuration says.

    Raises:
        UsageError: it has not; a command would find nothing measured in a store of its own making.
    """
    if not telemetry_path(configuration).exists():
        raise UsageError(
            "no node has written anything here",
            where=str(configuration.settings.data),
            hint="`data` in linksla.yaml names this folder: start `linksla run` with this "
            "configuration, or name another with --config. `linksla demo` prints its own.",
        )


def telemetry_path(configuration: Configuration) -> Path:
    """Return where the telemetry store lies."""
    return configuration.settings.data / "telemetry.duckdb"


def decisions_path(configuration: Configuration) -> Path:
    """Return where the decisions store lies."""
    return configuration.settings.data / "decisions.sqlite"


def socket_path(configuration: Configuration) -> Path:
    """Return the local socket through which commands reach a running node."""
    return configuration.settings.data / "linksla.sock"
