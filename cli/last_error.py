"""The last error of a node, kept beside its data: `doctor` says it, of one that has ended too."""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from linksla.clock import MICROSECONDS, Clock
from linksla.meters import Meters

FILE_NAME: Final = "last-error.json"
TEXT_CHARACTERS_MAX: Final = 500
OWN: Final = frozenset(
    {
        "alerts", "cli", "dashboards", "ingest", "linksla", "processors", "reports", "simulator",
        "sla",
    }
)  # fmt: skip
"""Packages whose warnings count; of others only errors do."""


@dataclass(frozen=True, slots=True)
class NotedError:
    """What was said last, by which part, at epoch seconds; `ended`: the node ended with it."""

    at_s: int
    level: str
    source: str
    text: str
    ended: bool


class LastError(logging.Handler):
    """Keeps the newest warning or error that a node logs, and what ended it."""

    def __init__(self, folder: Path, clock: Clock, meters: Meters) -> None:
        super().__init__(logging.WARNING)
        self._path = folder / FILE_NAME
        self._clock = clock
        self._meters = meters

    def start(self) -> None:
        """Listen to all loggers."""
        logging.getLogger().addHandler(self)

    def stop(self, failure: BaseException | None = None) -> None:
        """Listen no more; `failure` is what ended the node."""
        logging.getLogger().removeHandler(self)
        if failure is not None:
            self._keep("ERROR", "node", f"{type(failure).__name__}: {failure}", ended=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, unless it is another package's warning."""
        if record.levelno < logging.ERROR and record.name.partition(".")[0] not in OWN:
            return
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        self._keep(record.levelname, record.name, text, ended=False)

    def _keep(self, level: str, source: str, text: str, *, ended: bool) -> None:
        at_s = self._clock.now_us() // MICROSECONDS
        self._meters.add("linksla_errors_total", 1, level=level.lower())
        self._meters.set("linksla_last_error_seconds", at_s)
        noted = NotedError(at_s, level, source, text[:TEXT_CHARACTERS_MAX], ended)
        new = self._path.with_suffix(".new")
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(asdict(noted), file)
            new.replace(self._path)
        except OSError:  # a full disk is what it may be about; the log has it all the same
            return


def read_last_error(folder: Path) -> NotedError | None:
    """Return what a node noted last in its data folder, None: nothing yet, or it is damaged."""
    try:
        found = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return NotedError(**found)
    except (OSError, ValueError, TypeError):
        return None
