"""A broker that tests may stop, and a network that they may cut."""

from collections.abc import Iterator

import pytest

from ingest.embedded_kafka import EmbeddedKafka
from linksla.errors import StreamError
from tests.chaos.broker import Broker
from tests.chaos.proxy import Proxy
from tests.conftest import required


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    proxy = Proxy()
    kafka = EmbeddedKafka(
        tmp_path_factory.mktemp("chaos-kafka"), port=0, advertised_port=proxy.port
    )
    try:
        kafka.start()
    except StreamError as error:
        required(f"an embedded Kafka ({error})")
    proxy.target_port = int(kafka.bootstrap.rpartition(":")[2])
    proxy.start()
    yield Broker(kafka, proxy)
    proxy.close()
    kafka.stop()
