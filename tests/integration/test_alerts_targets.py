"""One contract for all targets, against real servers; and what only webhooks must do."""

import http.server
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from kafka import KafkaConsumer, TopicPartition
from standardwebhooks import Webhook

from alerts.messages import Message
from alerts.sender import Sender
from alerts.targets import KafkaTarget, ListTarget, Target, WebhookTarget
from linksla.clock import ManualClock, SystemClock
from linksla.decisions import DecisionsStore, deliveries
from linksla.errors import ConfigError, DeliveryError
from linksla.meters import Meters
from linksla.settings import WebhookSettings
from linksla.stores import TelemetryStore

SECRET = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"
PATH_SECRET = "T000-canary-path"


def message(number: int = 1, body: str = '{"data":{"name":"Zürich"}}') -> Message:
    return Message(f"{number:064x}", number, "circuit/DEN-1/circuit_down", "linksla.x", body)


@dataclass
class Receiver:
    """A real HTTP server that answers as it is told and keeps what it got."""

    port: int = 0
    answers: list[int] = field(default_factory=list)  # used up first; then 200
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    hold: threading.Event | None = None
    arrived: threading.Event = field(default_factory=threading.Event)

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/services/{PATH_SECRET}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            state.arrived.set()
            if state.hold is not None:
                state.hold.wait(20)
            status = state.answers.pop(0) if state.answers else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", state.url() + "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield state
    if state.hold is not None:
        state.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def webhook(receiver: Receiver, **changes: object) -> WebhookTarget:
    settings = WebhookSettings(name="noc", url=receiver.url(), secret=SECRET, allow_loopback=True)
    return WebhookTarget(settings, ManualClock(1_000_000_000), **changes)  # type: ignore[arg-type]


Made = tuple[Target, Callable[[], list[str]]]


@pytest.fixture(params=["list", "webhook", pytest.param("kafka", marks=pytest.mark.kafka)])
def made(request: pytest.FixtureRequest, receiver: Receiver) -> Iterator[Made]:
    """Return a target and a way to see what arrived there."""
    target: Target
    if request.param == "list":
        target = ListTarget()
        yield target, lambda: [m.body for m in target.messages]
    elif request.param == "webhook":
        target = webhook(receiver)
        yield target, lambda: [body.decode() for _, _, body in receiver.got]
    else:
        kafka = request.getfixturevalue("kafka")
        topic = kafka.new_topic(partitions=1)
        target = KafkaTarget(kafka.bootstrap, topic=topic)
        yield target, lambda: [r.value.decode() for r in records(kafka.bootstrap, topic)]
    target.close()


def records(bootstrap: str, topic: str) -> list:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning()
    end = consumer.end_offsets([partition])[partition]
    found: list = []
    while len(found) < end:
        for polled in consumer.poll(timeout_ms=1000).values():
            found.extend(polled)
    consumer.close()
    return found


def test_what_is_delivered_arrives_as_it_was_in_order(made: Made) -> None:
    target, arrived = made

    target.deliver(message(1, '{"a":"ü"}'))
    target.deliver(message(2, '{"b":2}'))

    assert arrived() == ['{"a":"ü"}', '{"b":2}']


def test_closing_a_target_twice_and_using_it_again_works(made: Made) -> None:
    target, arrived = made
    target.close()
    target.close()

    target.deliver(message())

    assert arrived() == [message().body]


@pytest.mark.kafka
def test_kafka_messages_are_keyed_by_subject_and_say_they_are_cloud_events(kafka) -> None:
    topic = kafka.new_topic(partitions=1)
    target = KafkaTarget(kafka.bootstrap, topic=topic)
    target.deliver(message())
    target.close()

    (record,) = records(kafka.bootstrap, topic)

    assert record.key == b"circuit/DEN-1/circuit_down"
    assert dict(record.headers)["content-type"].startswith(b"application/cloudevents+json")


def test_a_kafka_that_is_not_there_is_a_retryable_failure() -> None:
    target = KafkaTarget("127.0.0.1:9")

    with pytest.raises(DeliveryError) as caught:
        target.deliver(message())

    assert caught.value.retryable


def test_a_webhook_carries_a_signature_that_verifies(receiver: Receiver) -> None:
    settings = WebhookSettings(name="noc", url=receiver.url(), secret=SECRET, allow_loopback=True)
    WebhookTarget(settings, SystemClock()).deliver(message())

    ((path, headers, body),) = receiver.got

    assert path == f"/services/{PATH_SECRET}"
    assert headers["webhook-id"] == message().id
    assert Webhook(SECRET).verify(body, headers) == {"data": {"name": "Zürich"}}


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(500, True), (503, True), (429, True), (401, True), (404, True), (302, True), (307, True),
     (400, False), (413, False), (422, False)],
)  # fmt: skip
def test_other_answers_than_2xx_are_failures_and_redirects_are_not_followed(
    receiver: Receiver, status: int, retryable: bool
) -> None:
    receiver.answers = [status]

    with pytest.raises(DeliveryError, match=str(status)) as caught:
        webhook(receiver).deliver(message())

    assert caught.value.retryable is retryable
    assert len(receiver.got) == 1


def test_a_receiver_that_does_not_answer_is_given_up_after_the_timeout(receiver: Receiver) -> None:
    receiver.hold = threading.Event()

    with pytest.raises(DeliveryError, match="ReadTimeout") as caught:
        webhook(receiver, timeout_seconds=0.2).deliver(message())

    assert caught.value.retryable


def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    asked: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    url = receiver.url("noc.invalid")  # RFC 6761: this name never resolves
    settings = WebhookSettings(name="noc", url=url, secret=SECRET, allow_loopback=True)
    WebhookTarget(settings, ManualClock(), resolver=resolver).deliver(message())

    assert asked == [("noc.invalid", receiver.port)]
    assert receiver.got[0][1]["host"] == f"noc.invalid:{receiver.port}"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "fe80::1",
     "fe80::1%eth0", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
     "100.64.0.1", "0.0.0.0", "224.0.0.1", "ff02::1", "fd00::1"],  # noqa: S104
)  # fmt: skip
def test_addresses_that_are_not_global_are_refused(address: str) -> None:
    settings = WebhookSettings(name="noc", url="https://noc.invalid/x", secret=SECRET)
    target = WebhookTarget(
        settings, ManualClock(), resolver=lambda _host, _port: ["93.184.215.14", address]
    )

    with pytest.raises(DeliveryError, match="not global") as caught:
        target.deliver(message())

    assert not caught.value.retryable


def test_loopback_needs_to_be_allowed_and_allows_nothing_else(receiver: Receiver) -> None:
    with pytest.raises(ConfigError, match="not an https URL"):
        WebhookTarget(WebhookSettings(name="noc", url=receiver.url(), secret=SECRET))
    inside = webhook(receiver, resolver=lambda _host, _port: ["10.0.0.1"])
    with pytest.raises(DeliveryError, match="not global"):
        inside.deliver(message())

    assert receiver.got == []


@pytest.mark.parametrize(
    ("url", "secret"),
    [("ftp://x/y", SECRET), ("https://", SECRET), ("https://u:canary@h/", SECRET),
     ("https://h/canary", "whsec_"), ("https://h/canary", "canary é")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_without_showing_a_secret(
    url: str, secret: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        WebhookTarget(WebhookSettings(name="noc", url=url, secret=secret))

    assert "canary" not in str(caught.value)


def in_outbox(store: TelemetryStore, *bodies: str) -> None:
    for number, body in enumerate(bodies, 1):
        store.writer.execute(
            "insert into outbox values (?, ?, 's', 't', 1, 'DEN-1', ?, null, ?)",
            [f"{number:064x}", number, SystemClock().now_us(), body],
        )


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield store
    store.close()


def test_a_failing_receiver_gets_the_same_id_again_and_no_secret_leaks(
    receiver: Receiver,
    memory_store: TelemetryStore,
    decisions: DecisionsStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    in_outbox(memory_store, '{"n":1}')
    clock = ManualClock(SystemClock().now_us())
    receiver.answers = [500, 302]
    sender = Sender(memory_store, decisions, [webhook(receiver)], clock, Meters())
    rows = []
    for _ in range(3):
        sender.send_once()
        with decisions.engine.connect() as connection:
            rows += connection.execute(sa.select(deliveries)).all()
        clock.move_to(clock.now_us() + 10_000_000)

    assert [row.status for row in rows] == ["retrying", "retrying", "delivered"]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    told = caplog.text + json.dumps([list(map(str, row)) for row in rows])
    assert "answered 500" in told
    for secret in ("canary", SECRET[6:], "v1,"):
        assert secret not in told


def test_a_dead_target_delays_no_other(
    receiver: Receiver, memory_store: TelemetryStore, decisions: DecisionsStore
) -> None:
    in_outbox(memory_store, '{"n":1}', '{"n":2}')
    receiver.hold = threading.Event()
    quick = CountingTarget(2)
    sender = Sender(memory_store, decisions, [webhook(receiver), quick], SystemClock(), Meters())

    sender.start()
    both = quick.complete.wait(10)
    stuck = receiver.arrived.wait(10)
    receiver.hold.set()
    sender.stop()

    assert both
    assert stuck


class CountingTarget(ListTarget):
    """Tells when it has got as many messages as it waits for."""

    def __init__(self, wanted: int) -> None:
        super().__init__("counting")
        self._wanted = wanted
        self.complete = threading.Event()

    def deliver(self, message: Message) -> None:
        super().deliver(message)
        if len(self.messages) == self._wanted:
            self.complete.set()
