"""Announcements taken over by a running node, between two polls, without a restart."""

from collections.abc import Sequence

from cli.network import BadRecord, Network, touched
from cli.node import Node
from ingest.announcements import AnnouncementReader
from linksla.announcements import Announcement
from linksla.inventory import Inventory
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.writer import Writer
from sla.maintenance import MaintenanceWindow
from sla.network import Reclassified
from sla.queries import Queries


class LiveNetwork:
    """Hears both topics and brings node, writer and queries up to them."""

    def __init__(
        self,
        network: Network,
        reader: AnnouncementReader,
        store: TelemetryStore,
    ) -> None:
        self._network = network
        self._reader = reader
        self._store = store

    def start(self) -> None:
        """Hear everything there is, before the node judges; call before the writer thread runs."""
        self._network.load()
        self._keep(self._network.hear(self._reader.start()))

    def follow(self, node: Node, writer: Writer, queries: Queries) -> None:
        """Take over what follows while the node runs."""
        standing = self._standing()

        def take_over(bad: Sequence[BadRecord]) -> frozenset[str]:
            nonlocal standing
            self._keep(bad)
            found = self._standing()
            if found == standing:
                return frozenset()
            changed = touched(standing[0], found[0], standing[1], found[1], standing[2], found[2])
            fed: frozenset[str] = frozenset()
            if found[0] != standing[0]:
                fed = writer.register(found[0]).touched_circuits
            queries.take_over(*found)
            standing = found
            return changed | fed

        def hear(announcements: Sequence[Announcement]) -> None:
            before = self._standing()
            try:
                bad = self._network.hear(announcements)
            except Exception as error:  # a node that cannot keep decisions ends: see Node.wait
                failure = error

                def fail() -> frozenset[str]:
                    raise failure

                node.between_polls(fail)
                return
            if bad or self._standing() != before:
                node.between_polls(lambda: take_over(bad))

        self._reader.follow(hear)

    def _standing(
        self,
    ) -> tuple[Inventory, tuple[MaintenanceWindow, ...], Reclassified]:
        network = self._network
        return network.inventory, network.maintenance, network.reclassified

    def _keep(self, bad: Sequence[BadRecord]) -> None:
        """Make dead letters of what cannot be used; in the writer thread."""
        for record in bad:
            announcement = record.announcement
            self._store.writer.execute(
                statement("ingest", "announcement_reject"),
                {
                    "topic": announcement.topic,
                    "partition": announcement.partition,
                    "offset": announcement.offset,
                    "detail": record.reason,
                    "append_time_us": announcement.append_time_us,
                    "key": announcement.key,
                    "value": announcement.value or b"",
                },
            )
