"""The JSON API under /api/v1 (DESIGN 9): the same answers as page, report and alert.

Every answer carries an ETag of the caller's scope and the body. Lists are pages with a cursor.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.access import Admin, Caller, check_write
from dashboards.accounts import TOKEN_SECONDS_DEFAULT, TOKEN_SECONDS_MAX, Principal, Role
from dashboards.bodies import (
    Body,
    alarm_body,
    audit_bodies,
    circuit_body,
    exclusion_body,
    ledger_body,
    ledger_day_body,
    outage_body,
    report_bodies,
    series_json,
    token_bodies,
)
from dashboards.instants import instant_of
from dashboards.paging import PAGE_DEFAULT, PAGE_MAX, etag, etag_matches
from dashboards.portal import Portal, portal_of
from dashboards.problems import NOT_FOUND, Refusal
from dashboards.segment import CIRCUIT_PATH, CUSTOMER_PATH
from linksla.clock import MICROSECONDS, iso
from linksla.errors import UsageError
from sla.calendar import is_month
from sla.json import to_json

router: Final = APIRouter(prefix="/api/v1", tags=["api"])

_DAY: Final = 86_400
_OUTAGES_DAYS: Final = 400  # outages when no `from` is given: a year and a month
_MAINTENANCE_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the API, with who asks."""

    request: Request
    principal: Principal
    portal: Portal

    def answer(self, body: object) -> Response:
        """Return a body as JSON with its ETag, or 304 when the caller has it."""
        return self.encoded(json.dumps(body, ensure_ascii=False).encode())

    def encoded(self, content: bytes) -> Response:
        """Return JSON that is encoded already, with its ETag, or 304 when the caller has it."""
        tag = etag(self.principal.scope, content)
        if etag_matches(self.request.headers.get("if-none-match"), tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
        return Response(content, headers={"ETag": tag}, media_type="application/json")

    def made(self, body: object) -> Response:
        """Return what was made, as JSON with 201."""
        content = json.dumps(body, ensure_ascii=False).encode()
        return Response(content, HTTPStatus.CREATED, media_type="application/json")

    def instant(self, text: str | None, default: int, name: str) -> int:
        """Return an ISO 8601 instant of the query as epoch seconds."""
        if text is None:
            return default
        try:
            return instant_of(text)
        except (ValueError, OverflowError):
            raise UsageError(
                f"{name} is not an instant", hint="Write 2026-10-01T06:00:00Z."
            ) from None

    def overdue(self) -> Collection[str]:
        """Return the caller's circuits whose next sample should have come by now."""
        return self.portal.deps.freshness(self.principal.scope).overdue

    @property
    def now_s(self) -> int:
        """The present, in epoch seconds."""
        return self.portal.deps.clock.now_us() // MICROSECONDS


async def _asked(request: Request, principal: Caller) -> Asked:
    return Asked(request, principal, portal_of(request))


Ask = Annotated[Asked, Depends(_asked)]


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which part of a list."""

    cursor: str | None
    limit: int


async def _page_wanted(
    cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT
) -> PageWanted:
    return PageWanted(cursor, limit)


Paged = Annotated[PageWanted, Depends(_page_wanted)]


def listed(ask: Asked, paged: PageWanted, items: Sequence[Body], key: Callable[[Body], str],
          **about: object) -> Response:  # fmt: skip
    """Answer one page of a list: `{"items": [...], "next_cursor": null}`."""
    others = sorted((k, v) for k, v in ask.request.query_params.items()
                    if k not in ("cursor", "limit"))  # fmt: skip
    page = ask.portal.cursors.page(
        items, key, scope=ask.principal.scope, cursor=paged.cursor, limit=paged.limit,
        question=json.dumps([ask.request.url.path, others]),
    )  # fmt: skip
    return ask.answer({**about, "items": page.items, "next_cursor": page.next_cursor})


@router.get("/circuits")
def circuits(ask: Ask, paged: Paged) -> Response:
    """List the circuits you may see, by id, with their state and month so far."""
    found = ask.portal.deps.queries.circuits(ask.principal.scope)
    overdue = ask.overdue()
    bodies = [circuit_body(c, overdue) for c in found]
    return listed(ask, paged, bodies, lambda b: str(b["circuit_id"]))


@router.get(CIRCUIT_PATH)
def circuit(ask: Ask, circuit_id: str) -> Response:
    """Return one circuit as it stands."""
    found = ask.portal.deps.queries.circuit(ask.principal.scope, circuit_id)
    if found is None:
        raise NOT_FOUND
    return ask.answer(circuit_body(found, ask.overdue()))


@router.get(CIRCUIT_PATH + "/series")
def series(
    ask: Ask,
    circuit_id: str,
    metric: str = "latency",
    start: Annotated[str | None, Query(alias="from")] = None,
    end: Annotated[str | None, Query(alias="to")] = None,
    step: Annotated[int, Query(ge=1, le=3660 * _DAY)] = 300,
) -> Response:
    """Return a metric over [from, to), a point a step, at most 10,000; the default is a day.

    Steps of whole hours begin on a whole hour (UTC), at or before `from`.
    """
    queries, scope = ask.portal.deps.queries, ask.principal.scope
    if queries.inventory_of(scope, circuit_id) is None:
        raise NOT_FOUND
    with queries.at_once():
        live_to_s = 0
        if end is None:
            found = queries.circuit(scope, circuit_id)
            live_to_s = found.live_to_s if found else 0
        end_s = ask.instant(end, live_to_s, "to")
        start_s = ask.instant(start, end_s - _DAY, "from")
        _ordered(start_s, end_s)
        points = queries.series(scope, circuit_id, metric, start_s, end_s, step)
    if points is None:
        raise NOT_FOUND
    return ask.encoded(series_json(start_s, end_s, points))


@router.get(CIRCUIT_PATH + "/months/{month}")
def circuit_month(ask: Ask, circuit_id: str, month: str) -> Response:
    """Return the SLA of a month: buckets, objectives, verdicts with reasons, credit, outages."""
    scope = ask.principal.scope
    found = ask.portal.deps.queries.month(scope, circuit_id, month)
    if found is None:
        raise NOT_FOUND
    return ask.answer(to_json(found, commercial=scope.commercial))


@router.get(CIRCUIT_PATH + "/outages")
def outages(
    ask: Ask,
    paged: Paged,
    circuit_id: str,
    start: Annotated[str | None, Query(alias="from")] = None,
    end: Annotated[str | None, Query(alias="to")] = None,
) -> Response:
    """List the outages that touch [from, to), oldest first; the default is the last 400 days."""
    end_s = ask.instant(end, ask.now_s, "to")
    start_s = ask.instant(start, end_s - _OUTAGES_DAYS * _DAY, "from")
    _ordered(start_s, end_s)
    found = ask.portal.deps.queries.outages(ask.principal.scope, circuit_id, start_s, end_s)
    if found is None:
        raise NOT_FOUND
    return listed(ask, paged, [outage_body(o) for o in found], lambda b: str(b["id"]))


@router.get(CUSTOMER_PATH + "/months/{month}")
def customer_month(ask: Ask, customer_id: str, month: str) -> Response:
    """Return the month of each of a customer's circuits, by circuit id."""
    scope = ask.principal.scope
    found = ask.portal.deps.queries.customer_month(scope, customer_id, month)
    if found is None:
        raise NOT_FOUND
    bodies = [to_json(answer, commercial=scope.commercial) for answer in found]
    return ask.answer({"customer_id": customer_id, "month": month, "circuits": bodies})


@router.get("/alarms")
def alarms(ask: Ask, paged: Paged, raised: bool = False) -> Response:
    """List alarms: raised critical first, then oldest."""
    found = ask.portal.deps.queries.alarms(ask.principal.scope, raised_only=raised)
    return listed(ask, paged, [alarm_body(a) for a in found], lambda b: str(b["id"]))


@router.get("/maintenance")
def maintenance(
    ask: Ask,
    paged: Paged,
    start: Annotated[str | None, Query(alias="from")] = None,
    end: Annotated[str | None, Query(alias="to")] = None,
) -> Response:
    """List maintenance that bears on your circuits: by default 90 days back to 90 days ahead."""
    end_s = ask.instant(end, ask.now_s + _MAINTENANCE_DAYS * _DAY, "to")
    start_s = ask.instant(start, ask.now_s - _MAINTENANCE_DAYS * _DAY, "from")
    _ordered(start_s, end_s)
    scope, queries = ask.principal.scope, ask.portal.deps.queries
    bodies = [
        exclusion_body(circuit.circuit_id, exclusion)
        for circuit in queries.circuits(scope)
        for exclusion in queries.exclusions(scope, circuit.circuit_id, start_s, end_s) or ()
    ]
    bodies.sort(key=lambda b: (str(b["start"]), str(b["id"]), str(b["circuit_id"])))
    return listed(ask, paged, bodies, lambda b: json.dumps([b["id"], b["circuit_id"]]))


@router.get("/reports")
def reports(ask: Ask, paged: Paged) -> Response:
    """List reports, newest month first; drafts only for account managers and admins."""
    drafts = ask.principal.role in (Role.ACCOUNT_MANAGER, Role.ADMIN)
    found = report_bodies(ask.portal.deps.decisions, ask.principal.scope, drafts=drafts)
    return listed(ask, paged, found, lambda b: str(b["id"]))


@router.get("/ledger")
def ledger(ask: Ask, paged: Paged, circuit: str | None = None) -> Response:
    """List late, duplicate, conflicting and rejected samples, counted by channel and day."""
    found = ask.portal.deps.queries.ledger(ask.principal.scope, circuit)
    bodies = [ledger_body(line) for line in found]
    return listed(ask, paged, bodies, lambda b: json.dumps(dict(b), sort_keys=True))


@router.get("/ledger/days")
def ledger_days(
    ask: Ask, paged: Paged, circuit: str | None = None, month: str | None = None
) -> Response:
    """List the ledger by circuit and UTC day, and the verdicts that changed because of a day."""
    if month is not None and not is_month(month):
        raise UsageError("month is none", hint="Write 2026-10.")
    found = ask.portal.deps.queries.ledger_days(ask.principal.scope, circuit, month)
    bodies = [ledger_day_body(day) for day in found]
    return listed(ask, paged, bodies, lambda b: json.dumps([b["circuit_id"], b["day"]]))


@router.get("/audit")
def audit(ask: Ask, paged: Paged, _: Admin) -> Response:
    """List every write with who and when, chained by hash (admin)."""
    found = audit_bodies(ask.portal.deps.decisions)
    return listed(ask, paged, found, lambda b: str(b["number"]))


@router.get("/tokens")
def tokens(ask: Ask, paged: Paged, _: Admin) -> Response:
    """List API tokens without their secrets (admin)."""
    return listed(ask, paged, token_bodies(ask.portal.deps.decisions), lambda b: str(b["id"]))


class TokenWanted(BaseModel):
    """What POST /tokens takes; only an admin names a role, or a customer that is not theirs."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100)
    role: Role | None = None
    customer_id: str | None = None
    seconds: int = Field(default=TOKEN_SECONDS_DEFAULT, ge=60, le=TOKEN_SECONDS_MAX)


@router.post("/tokens", status_code=HTTPStatus.CREATED)
def create_token(ask: Ask, wanted: TokenWanted) -> Response:
    """Make an API token that sees no more than you do. The secret is shown this once."""
    principal = ask.principal
    check_write(ask.request, principal)
    customer = _token_customer(ask, wanted.customer_id)
    role = wanted.role or principal.role
    if principal.role is not Role.ADMIN and role is not principal.role:
        raise Refusal(HTTPStatus.FORBIDDEN, "Only an admin makes a token of another role.")
    if principal.by_token and (principal.role is not Role.ADMIN or principal.bound):
        raise Refusal(HTTPStatus.FORBIDDEN, "A token makes no tokens. Sign in.")
    new = ask.portal.accounts.create_token(
        wanted.name, role, customer, seconds=wanted.seconds, by=principal.name
    )
    body = {
        "id": new.token_id,
        "secret": new.secret,
        "role": role.value,
        "customer_id": customer,
        "expires_at": iso(new.expires_at_us // MICROSECONDS),
    }
    content = json.dumps(body).encode()
    return Response(content, HTTPStatus.CREATED, media_type="application/json")


@router.delete("/tokens/{token_id}", status_code=HTTPStatus.NO_CONTENT)
def revoke_token(ask: Ask, token_id: str, principal: Admin) -> Response:
    """Revoke an API token at once and for good (admin)."""
    check_write(ask.request, principal)
    if not ask.portal.accounts.revoke_token(token_id, by=principal.name):
        raise NOT_FOUND
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _token_customer(ask: Asked, wanted: str | None) -> str | None:
    """Return the customer a new token is bound to: one in the maker's scope."""
    principal = ask.principal
    if wanted is None:
        own = sorted(principal.customer_ids)
        if principal.role in (Role.NOC, Role.ADMIN) and not principal.bound:
            return None
        if len(own) != 1:
            raise UsageError("customer_id is missing", hint="Name one of your customers.")
        return own[0]
    known = {customer.id for customer in ask.portal.deps.queries.customers(principal.scope)}
    if wanted not in known:
        raise NOT_FOUND
    return wanted


def _ordered(start_s: int, end_s: int) -> None:
    if start_s >= end_s:
        raise UsageError("from must be before to")
