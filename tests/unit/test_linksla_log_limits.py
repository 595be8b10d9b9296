"""What a log says again and again is said once a minute."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from linksla.log_limits import KINDS_MAX, OncePerMinute, limit_repeats

ROOT = Path(__file__).parents[2]


class Heard(logging.Handler):
    """A root handler, as an application has one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    logging.getLogger().addHandler(handler)
    limit_repeats("noisy", logging.ERROR)
    yield handler
    logging.getLogger().removeHandler(handler)
    logger = logging.getLogger("noisy")
    logger.handlers.clear()
    logger.propagate = True


def say(at_s: float, text: str, *args: object, name: str = "noisy.net.connection") -> None:
    """Log an error as if it were said at an instant."""
    record = logging.LogRecord(name, logging.ERROR, "", 0, text, args, None)
    record.created = at_s
    logging.getLogger(name).handle(record)


def test_an_hour_of_retries_is_a_line_a_minute_and_each_counts_what_it_stands_for(
    heard: Heard,
) -> None:
    for number in range(12_000):
        say(number * 0.3, "Connection lost: %s", f"attempt {number}")

    assert len(heard.lines) == 60
    assert heard.lines[0] == "ERROR noisy.net.connection: Connection lost: attempt 0"
    assert heard.lines[1].endswith("Connection lost: attempt 200 (199 more like it since)")


def test_other_lines_and_other_loggers_are_not_held_back(heard: Heard) -> None:
    say(0, "one")
    say(1, "another")
    say(2, "one", name="noisy.cluster")

    assert [line.rpartition(": ")[2] for line in heard.lines] == ["one", "another", "one"]


def test_below_the_level_nothing_is_said_and_others_are_untouched(heard: Heard) -> None:
    logging.getLogger("noisy.inside").warning("about itself")
    for _ in range(3):
        logging.getLogger("quiet").error("as ever")

    assert heard.lines == ["ERROR quiet: as ever"] * 3


def test_twice_limited_is_once_limited(heard: Heard) -> None:
    limit_repeats("noisy", logging.ERROR)
    say(0, "one")

    assert len(heard.lines) == 1


def test_texts_that_are_all_different_do_not_fill_the_memory(heard: Heard) -> None:
    (handler,) = (h for h in logging.getLogger("noisy").handlers if isinstance(h, OncePerMinute))
    for number in range(3 * KINDS_MAX):
        say(0, f"text {number}")

    assert len(handler._said) <= KINDS_MAX


def test_every_module_that_makes_a_kafka_client_limits_what_it_says() -> None:
    makes = re.compile(r"= Kafka(Consumer|Producer|AdminClient)\(")
    found = {
        str(path.relative_to(ROOT)): path.read_text().count("limit_kafka()")
        for package in ("ingest", "alerts", "simulator", "cli")
        for path in (ROOT / package).rglob("*.py")
        if makes.search(path.read_text())
    }

    assert len(found) >= 7
    assert [name for name, calls in found.items() if not calls] == []
