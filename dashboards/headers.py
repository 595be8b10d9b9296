"""What every response carries: a strict content policy, no caching, a request id; and a count."""

import secrets
from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linksla.meters import Meters

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # same-origin, not no-referrer: with the latter browsers send "Origin: null" with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SafeHeaders:
    """Middleware around everything, error pages too."""

    def __init__(
        self, app: ASGIApp, meters: Meters, on_error: Callable[[Request, Exception], Response]
    ) -> None:
        self._app = app
        self._meters = meters
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the request an id, and the response its headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(6)
        scope["request_id"] = request_id
        static = scope["path"].startswith("/static/")

        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["X-Request-ID"] = request_id
                fresh = "public, max-age=3600" if static else "private, no-store"
                headers["Cache-Control"] = fresh
                if not static:
                    headers["Vary"] = "Cookie, Authorization"
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                self._meters.add("portal_responses_total", status=str(message["status"]))
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except Exception as error:
            if started:
                raise  # half an answer cannot be taken back; the server closes the connection
            await self._on_error(Request(scope), error)(scope, receive, send_safely)
