"""Large answers from a broker in few copies.

kafka-python receives 4 KiB at a time and copies each byte five times, into memory that the kernel
clears anew for each answer: 0.28 µs a sample of 80 bytes, more than decoding it. Here a socket is
read 1 MiB at a time into one buffer a thread, and an answer's body is looked at where it lies.
"""

import logging
import threading
from typing import Any, Final

import kafka.errors
import kafka.net.transport
import kafka.protocol.frame

log = logging.getLogger(kafka.net.transport.__name__)  # whose place this takes: limited with it

_AT_ONCE_BYTES: Final = 1024 * 1024
_SMALL_BYTES: Final = 64 * 1024

_buffers = threading.local()


def install() -> None:
    """Let kafka-python receive this way, in the whole process; twice is fine.

    Encrypted connections keep their own way: TLS hands out 16 KiB at a time.
    """
    kafka.net.transport.KafkaTCPTransport._sock_recv = receive
    kafka.protocol.frame.KafkaBytes.read = read


def receive(transport: Any) -> tuple[memoryview, Exception | None]:
    """Return what has come, at most 1 MiB: valid until this thread receives again; or an error.

    What is left stays readable, so that the selector comes back for it after the others.
    """
    buffer: memoryview | None = getattr(_buffers, "one", None)
    if buffer is None:
        buffer = _buffers.one = memoryview(bytearray(_AT_ONCE_BYTES))
    filled = 0
    error: Exception | None = None
    try:
        while filled < _AT_ONCE_BYTES:
            got = transport._sock.recv_into(buffer[filled:])
            if not got:
                log.error("%s: socket disconnected", transport)
                error = kafka.errors.KafkaConnectionError("socket disconnected")
                break
            filled += got
    except (BlockingIOError, InterruptedError):
        pass  # nothing more has come
    except OSError as failed:
        log.exception("%s: error receiving network data, closing socket", transport)
        error = kafka.errors.KafkaConnectionError(failed)
    return buffer[:filled], error


def read(body: Any, nbytes: int | None = None) -> "bytes | memoryview":
    """Return the next bytes of an answer; all the rest of a large one without copying it."""
    start = body._idx
    body._idx = len(body) if nbytes is None else min(start + nbytes, len(body))
    rest = memoryview(body)[start : body._idx]
    return rest if nbytes is None and len(rest) > _SMALL_BYTES else bytes(rest)
