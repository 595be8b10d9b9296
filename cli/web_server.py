"""uvicorn in a thread, on a TCP port or on a local socket that only its owner may open."""

import os
import socket
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from linksla.errors import LinkslaError


class WebServer:
    """Serves one application until stopped."""

    def __init__(self, app: FastAPI, *, where: tuple[str, int] | Path, name: str) -> None:
        """`where` is (host, port), port 0 for a free one, or the path of a local socket."""
        self._where = where
        self._name = name
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,  # its own keeps what a page fails with from our handlers
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Bind, then serve in a thread.

        Raises:
            LinkslaError: the address is taken.
        """
        self._socket = _listen(self._where)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name=self._name,
            daemon=True,
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port that is served."""
        if self._socket is None:
            raise LinkslaError("the web server is not started")
        return int(self._socket.getsockname()[1])

    def begin_stop(self) -> None:
        """Take no more requests; returns at once."""
        self._server.should_exit = True

    def stop(self, within_seconds: float = 5.0) -> None:
        """Finish what is under way and close; event streams are cut."""
        self.begin_stop()
        if self._thread is not None:
            self._thread.join(within_seconds)
        if self._socket is not None:
            self._socket.close()
        if isinstance(self._where, Path):
            self._where.unlink(missing_ok=True)


def _listen(where: tuple[str, int] | Path) -> socket.socket:
    try:
        if isinstance(where, Path):
            where.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            before = os.umask(0o177)  # 0600 from the first instant, not after a chmod
            try:
                listener.bind(str(where))
            finally:
                os.umask(before)
        else:
            family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
            # Named TCP, or asyncio lets each answer's body wait 40 ms for the headers' receipt.
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
        listener.listen(256)
    except OSError as error:
        place = str(where) if isinstance(where, Path) else f"{where[0]}:{where[1]}"
        raise LinkslaError(
            f"cannot listen: {error.strerror}",
            where=place,
            hint="Another program has this port; choose one with --port (0 picks a free one).",
        ) from None
    return listener


def port_is_free(host: str, port: int) -> bool:
    """Return whether a port can be bound right now."""
    try:
        _listen((host, port)).close()
    except LinkslaError:
        return False
    return True
