"""Server-sent events: open pages learn that something of theirs changed, and fetch it again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from dashboards.access import Caller, session_cookie
from dashboards.accounts import Principal
from dashboards.live import Subscription
from dashboards.portal import Portal, portal_of

log = logging.getLogger(__name__)
router: Final = APIRouter(tags=["portal"])

KEEP_ALIVE_SECONDS: Final = 5.0
"""Proxies close what is silent for 30 or 60 s; and nothing is published when nothing comes, so that
each page asks as often whether what it shows is still of now."""
PACE_SECONDS: Final = 1.0  # a page fetches again at most once a second


@router.get("/live", include_in_schema=False)
async def live(
    request: Request, principal: Caller, circuit: str | None = None
) -> StreamingResponse:
    """Send `changed` when one of the caller's circuits (or the one that is named) changed.

    Also when a circuit's next sample is overdue, or comes at last: then time alone has made what
    pages say untrue. The event names no circuit; the page fetches what it may see.
    """
    portal = portal_of(request)
    subscription = portal.deps.live.subscribe()
    events = _events(portal, subscription, request, principal, circuit)
    return StreamingResponse(events, media_type="text/event-stream")


async def _events(
    portal: Portal,
    subscription: Subscription,
    request: Request,
    principal: Principal,
    circuit: str | None,
) -> AsyncIterator[str]:
    cookie = request.cookies.get(session_cookie(request), "")
    try:
        yield "retry: 3000\n\n"
        overdue: frozenset[str] = frozenset()  # the page may be older than what is overdue now
        while not subscription.closed:
            changed = await subscription.changes(KEEP_ALIVE_SECONDS)
            # A session that ended, or a token that was revoked, ends its stream too.
            if not await run_in_threadpool(_still_valid, portal, principal, cookie):
                return
            before, overdue = overdue, await run_in_threadpool(_overdue, portal, principal)
            if overdue != before or await run_in_threadpool(
                _concerns, portal, principal, circuit, changed
            ):
                yield "event: changed\ndata: 1\n\n"
                await asyncio.sleep(PACE_SECONDS)
            elif not changed:
                yield ": still here\n\n"
    finally:
        portal.deps.live.unsubscribe(subscription)


def _still_valid(portal: Portal, principal: Principal, cookie: str) -> bool:
    return principal.by_token or portal.accounts.by_session(cookie) is not None


def _overdue(portal: Portal, principal: Principal) -> frozenset[str]:
    """Return the caller's circuits whose next sample is overdue; none while that is not known."""
    try:
        return frozenset(portal.deps.freshness(principal.scope).overdue)
    except Exception:
        log.exception("a live page could not ask what is overdue")
        return frozenset()


def _concerns(
    portal: Portal, principal: Principal, circuit: str | None, changed: frozenset[str]
) -> bool:
    queries, scope = portal.deps.queries, principal.scope
    wanted = changed if circuit is None else changed & {circuit}
    return any(queries.inventory_of(scope, name) is not None for name in wanted)
