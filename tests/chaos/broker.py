"""A broker of one's own, behind a proxy."""

from dataclasses import dataclass

from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import end_offsets
from simulator.emit import KafkaSink, emit
from simulator.world import World
from tests.chaos.proxy import Proxy
from tests.conftest import RunningKafka


@dataclass(frozen=True)
class Broker:
    """A broker of one's own behind a proxy; producers go around the proxy no more than nodes."""

    kafka: EmbeddedKafka
    proxy: Proxy

    def new_topic(self) -> str:
        return RunningKafka(self.proxy.bootstrap).new_topic()

    def fill(self, topic: str, world: World, start_s: int, end_s: int) -> dict[int, int]:
        """Send a part of a world and return where the topic ends."""
        sink = KafkaSink(self.proxy.bootstrap, topic)
        sink.start()
        emit(world, sink, start_s, end_s, batch=20)
        sink.close()
        return end_offsets(self.proxy.bootstrap, topic)

    def ends(self, topic: str) -> dict[int, int]:
        return end_offsets(self.proxy.bootstrap, topic)
