"""For machines that look after the node: alive, ready, numbers. No customer is named."""

from http import HTTPStatus
from typing import Final

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from dashboards.access import Visitor, from_loopback
from dashboards.accounts import Role
from dashboards.portal import portal_of
from dashboards.problems import Refusal, problem
from linksla.clock import MICROSECONDS
from sla.scope import AllCustomers

router: Final = APIRouter(tags=["operations"])


@router.get("/healthz")
def healthz() -> Response:
    """Answer: the process is alive."""
    return Response("alive\n", media_type="text/plain")


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """Answer whether both stores can be read; 503 while they cannot."""
    deps = portal_of(request).deps
    try:
        deps.queries.freshness(AllCustomers(commercial=False))
        with deps.decisions.engine.connect() as connection:
            connection.execute(sa.text("select 1"))
    except Exception:  # noqa: BLE001, RUF100  (whatever it is: not ready)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The stores cannot be read.")
    return Response("ready\n", media_type="text/plain")


@router.get("/metrics")
def metrics(request: Request, principal: Visitor) -> Response:
    """Return the node's counters in the Prometheus format: from this machine, or with a token."""
    allowed = principal is not None and principal.role in (Role.NOC, Role.ADMIN)
    if not allowed and not from_loopback(request):
        raise Refusal(HTTPStatus.UNAUTHORIZED if principal is None else HTTPStatus.FORBIDDEN)
    deps = portal_of(request).deps
    fresh = deps.queries.freshness(AllCustomers(commercial=False))
    now_s = deps.clock.now_us() // MICROSECONDS
    if fresh.complete_up_to_s is not None:
        deps.meters.set("sla_complete_lag_seconds", now_s - fresh.complete_up_to_s)
    deps.meters.set("sla_circuits", fresh.circuits)
    deps.meters.set("sla_circuits_behind", len(fresh.behind))
    deps.meters.set("portal_live_listeners", deps.live.listeners)
    return Response(deps.meters.exposition(), media_type="text/plain; version=0.0.4")
