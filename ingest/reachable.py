"""Whether anything listens at a bootstrap address, asked before a Kafka client is made.

kafka-python waits 30 s for a broker that is not there, and leaves its sockets open (measured with
3.0.12); a plain connection tells at once.
"""

import socket
from typing import Final

from linksla.errors import StreamError

CONNECT_SECONDS: Final = 5.0


def check_reachable(bootstrap: str) -> None:
    """Connect to any of `host:port,host:port` and hang up.

    Raises:
        StreamError: none of them accepts a connection.
    """
    reasons = []
    for place in bootstrap.split(","):
        host, _, port = place.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS):
                return
        except (OSError, ValueError, OverflowError) as error:
            reasons.append(f"{place}: {type(error).__name__}")
    raise StreamError(
        f"Kafka cannot be reached ({', '.join(reasons)})",
        where=bootstrap,
        hint="Start it with `linksla kafka`, or name another with --kafka.",
        retryable=True,
    )
