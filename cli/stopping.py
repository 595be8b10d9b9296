"""Ctrl-C and SIGTERM as an event that loops can wait on, and an end to all waiting after it."""

import os
import signal
import sys
import threading
from typing import Final

STOP_SECONDS_MAX: Final = 15.0
"""From the signal to the end of the process, whatever a broker or a receiver does meanwhile."""


def stop_on_signal() -> threading.Event:
    """Return an event that the first SIGINT or SIGTERM sets; a second one ends the process.

    A process that has not ended by itself STOP_SECONDS_MAX after the first is ended, as by
    SIGKILL: what is committed stays, nothing is half written, a restart resumes.
    """
    stop = threading.Event()

    def handle(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)
        late = threading.Timer(STOP_SECONDS_MAX, _end)
        late.name, late.daemon = "late", True
        late.start()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop


def _end() -> None:
    print(
        f"linksla: did not end within {STOP_SECONDS_MAX:g} s, and is ended: nothing is half "
        "written, the next start goes on where this one committed",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)
