"""One line a minute of what a log says again and again.

kafka-python logs an error per retry and connection: 12,000 lines while a broker was away for an
hour. Time is each record's own: no clock is read here.
"""

import copy
import logging
from dataclasses import dataclass
from typing import Final

EVERY_SECONDS: Final = 60.0
KINDS_MAX: Final = 1_000
"""Different lines that are remembered; at more, all are forgotten and may be said again."""


@dataclass(slots=True)
class _Said:
    at: float
    held_back: int = 0


class OncePerMinute(logging.Handler):
    """Hands records on to the root logger's handlers, equal ones once a minute.

    Equal are those of one logger and level whose text is the same before arguments are put in.
    The next one that is handed on says how many were held back.
    """

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._said: dict[tuple[str, int, str], _Said] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on, or count it."""
        kind = (record.name, record.levelno, str(record.msg))
        said = self._said.get(kind)
        if said is not None and record.created - said.at < EVERY_SECONDS:
            said.held_back += 1
            return
        if len(self._said) >= KINDS_MAX:
            self._said.clear()
        self._said[kind] = _Said(record.created)
        if said is not None and said.held_back:
            record = copy.copy(record)
            text = record.getMessage()
            record.msg, record.args = "%s (%d more like it since)", (text, said.held_back)
        logging.getLogger().handle(record)


def limit_repeats(name: str, level: int) -> None:
    """Limit what a logger and all below it say, in this process and for good; twice is once.

    Below `level` nothing is said. Handlers of the root logger get what is left, whoever put them
    there, and whenever.
    """
    logger = logging.getLogger(name)
    if not any(isinstance(handler, OncePerMinute) for handler in logger.handlers):
        logger.addHandler(OncePerMinute(level))
        logger.propagate = False


def limit_kafka() -> None:
    """Limit what Kafka's client says, and what we say while a broker is away.

    To be called before a client is made: whoever uses linksla need not know of it.
    """
    limit_repeats("kafka", logging.ERROR)  # its warnings are about its own inside
    for name in ("ingest.kafka_source", "ingest.announcements", "ingest.deadletter"):
        limit_repeats(name, logging.WARNING)
