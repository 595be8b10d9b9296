"""A path segment that may hold anything, `/` too: a circuit may be called `A/B`.

A server decodes `%2F` before it routes. `KeepSegments` routes on the raw path instead: a decoded
slash inside a segment travels as NUL, which no name may hold, and the converter turns it back.
"""

from typing import Final
from urllib.parse import quote, unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH: Final = "\0"

CIRCUIT_PATH: Final = "/circuits/{circuit_id:segment}"
CUSTOMER_PATH: Final = "/customers/{customer_id:segment}"


class _Segment(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return value.replace(_SLASH, "/")

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


register_url_convertor("segment", _Segment())


class KeepSegments:
    """Middleware: decode each segment of the path on its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, with `path` made again from `raw_path` where there is one."""
        raw = scope.get("raw_path")
        if scope["type"] == "http" and raw and b"%2f" in raw.lower():
            text = raw.decode("ascii", "replace")
            parts = [unquote(part).replace("/", _SLASH) for part in text.split("/")]
            scope = {**scope, "path": "/".join(parts)}
        await self._app(scope, receive, send)
