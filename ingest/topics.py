"""The five topics of DESIGN 5 and their settings."""

from collections.abc import Mapping
from typing import Final

import kafka.errors
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from linksla import names
from linksla.errors import StreamError
from linksla.log_limits import limit_kafka

_FOREVER: Final = {"retention.ms": "-1"}
# Their instants prove how early a window was announced, so they are the broker's too.
_COMPACTED: Final = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
_LARGE: Final = {"max.message.bytes": str(64 * 1024 * 1024)}

TOPICS: Final[Mapping[str, tuple[int, Mapping[str, str]]]] = {
    names.TOPIC_SAMPLES: (
        names.SAMPLES_PARTITIONS,
        # The broker's clock, not the producer's: nobody can date a message ahead (DESIGN 6).
        {"message.timestamp.type": "LogAppendTime", **_LARGE},
    ),
    names.TOPIC_INVENTORY: (1, _COMPACTED),
    names.TOPIC_MAINTENANCE: (1, _COMPACTED),
    names.TOPIC_BREACHES: (1, {}),
    names.TOPIC_DEADLETTER: (1, {**_FOREVER, **_LARGE}),
}
"""Partitions and settings by topic name."""


def ensure_topics(
    bootstrap: str, *, samples_topic: str = names.TOPIC_SAMPLES, timeout_ms: int = 15_000
) -> None:
    """Make the topics that are missing; leave those that are there as they are.

    Raises:
        StreamError: Kafka cannot be reached or refuses, or the samples topic has another number of
            partitions than circuits are spread over.
    """
    wanted = {samples_topic if n == names.TOPIC_SAMPLES else n: t for n, t in TOPICS.items()}
    limit_kafka()
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=timeout_ms)
    except kafka.errors.KafkaError as error:
        raise unreachable(bootstrap, error) from None
    try:
        missing = wanted.keys() - set(admin.list_topics())
        if missing:
            _create(admin, {name: wanted[name] for name in missing})
        (described,) = admin.describe_topics([samples_topic])
        _check_partitions(samples_topic, len(described["partitions"]))
    except kafka.errors.KafkaError as error:
        raise StreamError(
            f"Kafka refuses the topics: {error}",
            where=bootstrap,
            hint="Make them beforehand, or grant this client the right to.",
        ) from None
    finally:
        admin.close()


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """Return the offset after the last message of each partition, as the broker says now.

    Raises:
        StreamError: Kafka cannot be reached, or has no such topic.
    """
    limit_kafka()
    try:
        consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    except kafka.errors.KafkaError as error:
        raise unreachable(bootstrap, error) from None
    try:
        partitions = consumer.partitions_for_topic(topic) or set()
        found = consumer.end_offsets([TopicPartition(topic, number) for number in partitions])
    except kafka.errors.KafkaError as error:
        raise unreachable(bootstrap, error) from None
    finally:
        consumer.close()
    return {place.partition: end for place, end in found.items()}


def unreachable(bootstrap: str, error: Exception) -> StreamError:
    """Return the error for a Kafka that does not answer."""
    return StreamError(
        f"Kafka does not answer ({type(error).__name__})",
        where=bootstrap,
        hint="Check that it runs and that the address is right.",
        retryable=True,
    )


def _create(admin: KafkaAdminClient, topics: Mapping[str, tuple[int, Mapping[str, str]]]) -> None:
    request = {
        name: {"num_partitions": partitions, "configs": dict(settings)}
        for name, (partitions, settings) in topics.items()
    }
    try:
        admin.create_topics(request, wait_for_metadata=True)
    except kafka.errors.TopicAlreadyExistsError:  # somebody else was quicker
        admin.wait_for_topics(list(request))


def _check_partitions(topic: str, found: int) -> None:
    if found != names.SAMPLES_PARTITIONS:
        raise StreamError(
            f"has {found} partitions, not {names.SAMPLES_PARTITIONS}",
            where=topic,
            hint="Circuits are spread over a fixed number of partitions; make the topic again.",
        )
