"""A webhook receiver on this machine, so that the demo's alerts arrive somewhere."""

import base64
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

from linksla.settings import WebhookSettings

BODY_BYTES_MAX = 1_000_000


class AlertReceiver:
    """Takes signed CloudEvents and hands subject and reason on."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._server: ThreadingHTTPServer | None = None

    @property
    def settings(self) -> WebhookSettings:
        """What a node needs to reach this receiver."""
        assert self._server is not None, "started first"  # noqa: S101 - programmer's error
        return WebhookSettings(
            name="demo",
            url=f"http://127.0.0.1:{self._server.server_port}/alerts",
            secret=self._secret,
            allow_loopback=True,
        )

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        webhook, tell = Webhook(self._secret), self._tell

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length", 0)), BODY_BYTES_MAX)
                body = self.rfile.read(length)
                try:
                    webhook.verify(body, {key.lower(): text for key, text in self.headers.items()})
                except WebhookVerificationError:
                    self.send_response(401)
                else:
                    tell(*_said(body))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: the alert itself is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _said(body: bytes) -> tuple[str, str]:
    event = json.loads(body)
    kind = str(event["type"]).removeprefix("linksla.")
    return f"{kind} {event['subject']}", str(event["data"].get("reason", ""))
