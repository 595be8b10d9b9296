"""A schema registry for tests: the Confluent API over real HTTP on 127.0.0.1, and its bad days."""

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class FakeRegistry:
    """Answers by id and GUID; `down` makes every answer a 503, `silent` makes it hang.

    `dripping` sends an answer that never ends, a few bytes at a time; `flood` sends more bytes
    after a good answer, as many as it says.
    """

    auth: str | None = None
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: bool = False
    silent: bool = False
    dripping: bool = False
    flood: int = 0
    asked: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> str:
        """Serve on a free port; return the URL."""
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, answer = registry.answer(self.path, self.headers.get("Authorization"))
                if registry.dripping:
                    registry.drip(self)
                    return
                body = json.dumps(answer).encode() + b" " * registry.flood
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Send an answer without end, until the other side or the test has had enough."""
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            while self.dripping and not self.go_on.wait(0.05):
                handler.wfile.write(b" ")
                handler.wfile.flush()
        except OSError:
            return

    def answer(self, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
        """Return status and body of a request."""
        where = urlsplit(path).path
        self.asked.append(where)
        if self.silent:
            self.go_on.wait(30)
        if self.down:
            return 503, {"error_code": 503, "message": "down"}
        if self.auth is not None:
            expected = "Basic " + base64.b64encode(self.auth.encode()).decode()
            if authorization != expected:
                return 401, {"error_code": 401, "message": "Unauthorized"}
        found = self.schemas.get(where.rpartition("/")[2])
        if found is None or not where.startswith(("/schemas/ids/", "/schemas/guids/")):
            return 404, {"error_code": 40403, "message": "Schema not found"}
        return 200, found

    def stop(self) -> None:
        """Serve no more."""
        self.go_on.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
