"""A TCP proxy on 127.0.0.1 that can be cut, stalled and slowed."""

import contextlib
import socket
import threading

_CHUNK = 16 * 1024


class Proxy:
    """Passes bytes to `target_port` of this machine; set that before anybody connects."""

    def __init__(self) -> None:
        self.target_port = 0
        self.bytes_per_second = 0
        self.passed_bytes = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self._is_cut = False
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self._is_cut = True
        self._break()

    def stall(self) -> None:
        """Keep connections and let no byte through: a network that drops everything."""
        self._flowing.clear()

    def heal(self) -> None:
        """Let all through again, at full speed."""
        self._is_cut = False
        self.bytes_per_second = 0
        self._flowing.set()

    def close(self) -> None:
        self._closed.set()
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break()
        self._thread.join(5)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            try:
                broker = socket.create_connection(("127.0.0.1", self.target_port), 5)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            with self._lock:
                self._sockets |= {client, broker}
            for pair in ((client, broker), (broker, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                if self.bytes_per_second:
                    self._closed.wait(len(data) / self.bytes_per_second)
                sink.sendall(data)
                self.passed_bytes += len(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for each in (source, sink):
                each.close()
                self._sockets.discard(each)

    def _break(self) -> None:
        with self._lock:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
