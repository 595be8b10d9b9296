"""Ctrl-C and SIGTERM as an event that loops can wait on."""

import signal
import threading


def stop_on_signal() -> threading.Event:
    """Return an event that the first SIGINT or SIGTERM sets; a second one ends the process."""
    stop = threading.Event()

    def handle(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop
