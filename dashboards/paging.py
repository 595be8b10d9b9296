"""Cursors and ETags that belong to one caller's scope (THREATS 2).

A cursor is signed together with the scope and the question it continues; an ETag is a hash of the
scope and the body. Neither works, nor matches, for anybody who sees something else.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from linksla.errors import UsageError
from sla.scope import AllCustomers, Scope

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and where to go on; None: that was all."""

    items: tuple[T, ...]
    next_cursor: str | None


class Cursors:
    """Makes and checks cursors with one process's key: a restart asks to begin again."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def page(
        self,
        items: Sequence[T],
        key: Callable[[T], str],
        *,
        scope: Scope,
        question: str,
        cursor: str | None,
        limit: int,
    ) -> Page[T]:
        """Return the `limit` items after the cursor.

        The cursor holds the last item's key and its place: where the item has gone meanwhile, the
        place counts.

        Raises:
            UsageError: the cursor is not ours, or of another scope or question.
        """
        start = self._start(items, key, cursor, scope, question) if cursor else 0
        chosen = tuple(items[start : start + limit])
        end = start + len(chosen)
        more = chosen and end < len(items)
        token = self._write(key(chosen[-1]), end, scope, question) if more else None
        return Page(chosen, token)

    def _start(
        self,
        items: Sequence[T],
        key: Callable[[T], str],
        cursor: str,
        scope: Scope,
        question: str,
    ) -> int:
        last, place = self._read(cursor, scope, question)
        for index, item in enumerate(items):
            if key(item) == last:
                return index + 1
        return place

    def _write(self, last: str, place: int, scope: Scope, question: str) -> str:
        payload = json.dumps([last, place]).encode()
        signed = self._sign(payload, scope, question) + payload
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def _read(self, cursor: str, scope: Scope, question: str) -> tuple[str, int]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        signature, payload = raw[:32], raw[32:]
        if not hmac.compare_digest(signature, self._sign(payload, scope, question)):
            raise UsageError("the cursor does not belong to this list", hint="Begin without one.")
        last, place = json.loads(payload)
        return str(last), int(place)

    def _sign(self, payload: bytes, scope: Scope, question: str) -> bytes:
        text = json.dumps([scope_key(scope), question]).encode()
        return hmac.digest(self._key, text + b"\0" + payload, "sha256")


def scope_key(scope: Scope) -> str:
    """Return a scope as text: equal exactly when two callers see the same."""
    if isinstance(scope, AllCustomers):
        return json.dumps(["all", scope.commercial])
    return json.dumps(["only", scope.commercial, *sorted(scope.customer_ids)])


def etag(scope: Scope, body: bytes) -> str:
    """Return a strong ETag of a body as one scope sees it."""
    return f'"{hashlib.sha256(scope_key(scope).encode() + bytes(1) + body).hexdigest()[:32]}"'


def etag_matches(if_none_match: str | None, tag: str) -> bool:
    """Return whether If-None-Match names the tag (RFC 9110 13.1.2: weak comparison)."""
    if not if_none_match:
        return False
    given = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return tag in given
