"""Errors of the API as RFC 9457 `application/problem+json`.

A thing that is not there and a thing that is not yours answer with the same bytes (THREATS 1), so
no problem repeats what was asked for; the request id stands in the `X-Request-ID` header.
"""

import json
from http import HTTPStatus
from typing import Final

from fastapi import Response

MEDIA_TYPE: Final = "application/problem+json"

DETAILS: Final = {
    HTTPStatus.UNAUTHORIZED: "Sign in, or send `Authorization: Bearer <token>`.",
    HTTPStatus.FORBIDDEN: "Your role does not allow this.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or it is not yours to see.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here; the X-Request-ID finds it.",
}


def problem(
    status: int, detail: str = "", *, headers: dict[str, str] | None = None, **more: object
) -> Response:
    """Return a problem; without `detail`, the status's own."""
    known = HTTPStatus(status)
    body = {
        "type": "about:blank",
        "title": known.phrase,
        "status": status,
        "detail": detail or DETAILS.get(known, known.description),
        **more,
    }
    extra = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="linksla"'
    return Response(json.dumps(body), status, headers=extra, media_type=MEDIA_TYPE)


class Refusal(Exception):
    """Raised in a handler or dependency to answer with a status instead."""

    def __init__(self, status: int, detail: str = "") -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


NOT_FOUND: Final = Refusal(HTTPStatus.NOT_FOUND)
