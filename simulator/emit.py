"""Samples to Kafka, and the only module here that knows Kafka."""

import contextlib
import socket
from typing import Protocol

import kafka.errors
from kafka import KafkaProducer

from linksla.errors import StreamError
from linksla.log_limits import limit_kafka
from linksla.names import TOPIC_SAMPLES
from simulator.history import Emitted, Message, stretch
from simulator.world import World


class Sink(Protocol):
    """Somewhere to send messages."""

    def send(self, message: Message) -> None:
        """Take a message; it may still be on its way when this returns."""
        ...

    def flush(self) -> None:
        """Return when everything sent has arrived.

        Raises:
            StreamError: something did not arrive.
        """
        ...

    def close(self, within_seconds: float | None = None) -> None:
        """Flush, for so long at most, and let go of what is held."""
        ...


class ListSink:
    """A sink that keeps the messages, for tests."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        """Keep a message."""
        self.messages.append(message)

    def flush(self) -> None:
        """Do nothing: all has arrived."""

    def close(self, within_seconds: float | None = None) -> None:
        """Do nothing."""


class KafkaSink:
    """A sink that is a topic; every message acknowledged by all replicas."""

    def __init__(self, bootstrap: str, topic: str = TOPIC_SAMPLES) -> None:
        """Remember where to send to. Nothing is connected yet."""
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer: KafkaProducer | None = None
        self._failed: BaseException | None = None

    def start(self) -> None:
        """Connect.

        Raises:
            StreamError: Kafka cannot be reached.
        """
        _reach(self._bootstrap)
        limit_kafka()
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                bootstrap_timeout_ms=10_000,
                max_block_ms=30_000,  # a topic that is not there is said after this
                acks="all",
                compression_type="lz4",  # measured: 1.37 M samples in 0.88 s of a core, else 1.12
                batch_size=1024 * 1024,
                linger_ms=5,
                max_request_size=32 * 1024 * 1024,
            )
        except kafka.errors.KafkaError as error:
            raise _unreachable(self._bootstrap, error) from None

    def send(self, message: Message) -> None:
        """Hand a message to the producer."""
        if self._producer is None:
            raise StreamError("the sink is not started", where=self._bootstrap)
        try:
            sent = self._producer.send(
                self._topic, value=message.value, key=message.key, partition=message.partition
            )
        except kafka.errors.KafkaError as error:
            raise self._refused(error) from None
        sent.add_errback(self._note)

    def flush(self, within_seconds: float | None = None) -> None:
        """Wait until the brokers have everything, by default as long as a delivery may take."""
        if self._producer is not None:
            try:
                self._producer.flush(within_seconds)
            except kafka.errors.KafkaError as error:
                raise self._refused(error) from None
        if self._failed is not None:
            raise self._refused(self._failed)

    def close(self, within_seconds: float | None = None) -> None:
        """Flush and disconnect; what is not taken in time stays with a thread of its own."""
        try:
            self.flush(within_seconds)
        finally:
            producer, self._producer = self._producer, None
            if producer is not None:
                with contextlib.suppress(kafka.errors.KafkaTimeoutError):
                    producer.close(timeout=within_seconds)

    def _note(self, error: BaseException) -> None:
        self._failed = self._failed or error

    def _refused(self, error: BaseException) -> StreamError:
        return StreamError(
            f"Kafka did not take a message for {self._topic}: {error}",
            where=self._bootstrap,
            hint="Check that the topic exists and that the broker is up.",
            retryable=True,
        )


def _reach(bootstrap: str) -> None:
    """Make sure that a broker listens: kafka-python tries for long and leaves its sockets open."""
    failure: OSError | ValueError = ValueError("no address given")
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
                return
        except (OSError, ValueError) as error:
            failure = error
    raise _unreachable(bootstrap, failure)


def _unreachable(bootstrap: str, error: Exception) -> StreamError:
    return StreamError(
        f"Kafka cannot be reached: {error}",
        where=bootstrap,
        hint="Start it with `linksla kafka`, or name another with --kafka.",
        retryable=True,
    )


def emit(world: World, sink: Sink, start_s: int, end_s: int, *, batch: int = 500) -> Emitted:
    """Send what the world sends in [start_s, end_s), in time order, and wait until it is there."""
    emitted = Emitted()
    for message in stretch(world, start_s, end_s, batch=batch, emitted=emitted):
        sink.send(message)
    sink.flush()
    return emitted


def emit_history(
    world: World,
    bootstrap: str,
    start_s: int | None = None,
    end_s: int | None = None,
    *,
    batch: int = 500,
    topic: str = TOPIC_SAMPLES,
) -> Emitted:
    """Send a world's history (all of it, or a part) to Kafka as fast as Kafka takes it.

    `batch` samples a message; 1 sends single samples keyed by circuit. Where `world.pause_s` is
    set, send up to it, let the consumer catch up, then send the rest: what is late then is late
    for any consumer.

    Raises:
        StreamError: Kafka cannot be reached or did not take a message.
    """
    sink = KafkaSink(bootstrap, topic)
    sink.start()
    start = world.start_s if start_s is None else start_s
    end = world.end_s if end_s is None else end_s
    try:
        return emit(world, sink, start, end, batch=batch)
    finally:
        sink.close()
