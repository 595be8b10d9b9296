"""The portal's pages. Each is made of panels; a part of a page can be fetched alone (`?part=`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from dashboards.access import Caller, operator_only
from dashboards.accounts import Principal, Role
from dashboards.bodies import report_bodies
from dashboards.circuit_page import Range, circuit_panels
from dashboards.panels import panel
from dashboards.phrases import Strip, home_sentence, offset, strip
from dashboards.portal import Portal, portal_of
from dashboards.problems import DETAILS, NOT_FOUND
from dashboards.segment import CIRCUIT_PATH
from linksla.clock import MICROSECONDS
from sla.answers import CircuitSummary, ExclusionAnswer, Freshness
from sla.scope import Scope

router: Final = APIRouter(tags=["portal"], include_in_schema=False)

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page: who, in which zone, when."""

    request: Request
    principal: Principal
    portal: Portal
    utc_wanted: bool

    @property
    def scope(self) -> Scope:
        """What every query is asked with."""
        return self.principal.scope

    @property
    def now_s(self) -> int:
        """The present, in epoch seconds."""
        return self.portal.deps.clock.now_us() // MICROSECONDS

    def fresh(self) -> Freshness | None:
        """Return how complete the circuits in scope are; None: it could not be read."""
        return panel(self.request, lambda: self.portal.deps.freshness(self.scope)).value

    def shown_zone(self, zone: str) -> str:
        """Return the zone that instants are shown in, where the contract's is `zone`."""
        return "UTC" if self.utc_wanted else zone

    def render(
        self,
        template: str,
        zone: str,
        context: Mapping[str, object],
        circuit: str = "",
        fresh: Freshness | None = None,
    ) -> Response:
        """Render a page, or the part of one that was asked for; `fresh`: it was read already."""
        fresh = fresh or self.fresh()
        shown = self.shown_zone(zone)
        parameters = dict(self.request.query_params)
        parameters.pop("part", None)
        common = {
            "principal": self.principal,
            "operator": self.principal.role in (Role.NOC, Role.ADMIN),
            "path": self.request.scope["raw_path"].decode("ascii", "replace"),
            "parameters": parameters,
            "zone": shown,
            "home_zone": zone,
            "offset": offset(self.now_s, shown),
            "now_s": self.now_s,
            "strip": _strip(fresh, shown, self.now_s),
            "fresh": fresh,
            "live_circuit": circuit,
        }
        part = self.request.query_params.get("part", "")
        name = f"_{template}_{part}.html" if part in PARTS.get(template, ()) else f"{template}.html"
        name = "_strip.html" if part == "strip" else name
        return self.portal.templates.TemplateResponse(self.request, name, {**common, **context})


PARTS: Final = {"home": ("list",), "circuit": ("now", "charts"), "alarms": ("list",)}
"""Parts of pages that can be fetched alone."""


def _strip(fresh: Freshness | None, zone: str, now_s: int) -> Strip:
    if fresh is None:
        return Strip("How complete the data is could not be read", "")
    return strip(fresh, zone, now_s)


async def _visit(request: Request, principal: Caller, zone: str = "") -> Visit:
    return Visit(request, principal, portal_of(request), zone.lower() == "utc")


Visiting = Annotated[Visit, Depends(_visit)]


@router.get("/")
def home(visit: Visiting, show: str = "") -> Response:
    """List the circuits in scope, the sentence first; `show=attention` leaves out the good."""
    queries = visit.portal.deps.queries
    found = panel(visit.request, lambda: queries.circuits(visit.scope))
    circuits = found.value or ()
    known = visit.fresh()
    fresh = known or Freshness(None, None, len(circuits), ())
    wanted = [c for c in circuits if not show or _needs_attention(c, fresh)]
    zone = _common_zone(circuits)
    several = len({c.customer_id for c in circuits}) > 1
    context = {
        "found": found,
        "circuits": wanted,
        "all_circuits": circuits,
        "sentence": home_sentence(circuits, fresh, visit.shown_zone(zone), visit.now_s),
        "several": several,
        "show": show,
        "commercial": visit.scope.commercial,
    }
    return visit.render("home", zone, context, fresh=known)


@router.get(CIRCUIT_PATH)
def circuit(
    visit: Visiting,
    circuit_id: str,
    month: str = "",
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
    view: str = "",
    part: str = "",
) -> Response:
    """Show a circuit: state, month, tape, objectives, outages, charts."""
    wanted = Range(month, start, end, experienced=view == "experienced")
    with visit.portal.deps.queries.at_once():
        return _circuit(visit, circuit_id, wanted, part)


def _circuit(visit: Visit, circuit_id: str, wanted: Range, part: str) -> Response:
    queries = visit.portal.deps.queries
    summary = queries.circuit(visit.scope, circuit_id)
    if summary is None:
        raise NOT_FOUND
    contract = queries.contract_of(visit.scope, circuit_id)
    zone = contract.timezone if contract else "UTC"
    shown = visit.shown_zone(zone)
    context = circuit_panels(
        visit.request,
        queries,
        visit.scope,
        summary,
        wanted,
        shown,
        visit.now_s,
        charts=part != "now",
    )
    context["contract"] = contract
    return visit.render("circuit", zone, context, circuit_id)


@router.get("/alarms")
def alarms(visit: Visiting) -> Response:
    """List alarms: raised critical first, then oldest."""
    queries = visit.portal.deps.queries
    found = panel(visit.request, lambda: queries.alarms(visit.scope))
    circuits = panel(visit.request, lambda: queries.circuits(visit.scope)).value or ()
    known = {c.circuit_id: c for c in circuits}
    raised = [a for a in found.value or () if a.condition == "raised"]
    cleared = [a for a in found.value or () if a.condition != "raised"]
    context = {"found": found, "raised": raised, "cleared": cleared, "known": known}
    return visit.render("alarms", _common_zone(circuits), context)


@router.get("/maintenance")
def maintenance(visit: Visiting) -> Response:
    """List maintenance, 90 days back and ahead, with what it took out of the SLA and why."""
    queries = visit.portal.deps.queries
    start_s, end_s = visit.now_s - 90 * _DAY, visit.now_s + 90 * _DAY
    circuits = panel(visit.request, lambda: queries.circuits(visit.scope))
    known = circuits.value or ()

    def collect() -> list[tuple[CircuitSummary, ExclusionAnswer]]:
        return [
            (circuit, window)
            for circuit in known
            for window in queries.exclusions(visit.scope, circuit.circuit_id, start_s, end_s) or ()
        ]

    found = panel(visit.request, collect)
    return visit.render(
        "maintenance", _common_zone(known), {"found": circuits if circuits.error else found}
    )


@router.get("/reports")
def reports(visit: Visiting) -> Response:
    """List reports, newest month first."""
    drafts = visit.principal.role in (Role.ACCOUNT_MANAGER, Role.ADMIN)
    decisions = visit.portal.deps.decisions
    found = panel(visit.request, lambda: report_bodies(decisions, visit.scope, drafts=drafts))
    return visit.render("reports", "UTC", {"found": found})


@router.get("/data", dependencies=[Depends(operator_only)])
def data_health(visit: Visiting) -> Response:
    """Show how the data itself is: behind, late, duplicate, rejected (NOC and admin)."""
    queries = visit.portal.deps.queries
    ledger = panel(visit.request, lambda: queries.ledger(visit.scope))
    circuits = panel(visit.request, lambda: queries.circuits(visit.scope))
    by_age = sorted(circuits.value or (), key=lambda c: (c.complete_up_to_s, c.circuit_id))
    context = {"ledger": ledger, "circuits": circuits, "by_age": by_age}
    return visit.render("data", "UTC", context)


def error_page(request: Request, status: int, detail: str) -> Response:
    """Return an error as a page: what happened, and the id that finds it."""
    known = HTTPStatus(status)
    context = {
        "status": status,
        "title": known.phrase,
        "detail": detail or DETAILS.get(known, known.description),
        "request_id": request.scope.get("request_id", "") if status >= 500 else "",
    }
    templates = portal_of(request).templates
    return templates.TemplateResponse(request, "error.html", context, status_code=status)


def _needs_attention(circuit: CircuitSummary, fresh: Freshness) -> bool:
    month = circuit.month
    if circuit.circuit_id in fresh.overdue:
        return True
    return circuit.state != "up" or month is None or month.verdict.value != "met"


def _common_zone(circuits: tuple[CircuitSummary, ...]) -> str:
    """Return the zone that all contracts share, else UTC: one page speaks one time."""
    zones = {c.month.timezone for c in circuits if c.month is not None}
    return zones.pop() if len(zones) == 1 else "UTC"
