"""What stands on a circuit's page: month, tape, outages, charts, each a panel of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Request
from markupsafe import Markup

from dashboards.charts import METRICS, POINTS_MAX, ROWS_MAX, Chart, bgp_lane, bgp_summary, step_for
from dashboards.charts import chart as make_chart
from dashboards.instants import instant_of
from dashboards.panels import panel
from linksla.clock import utc
from linksla.errors import UsageError
from linksla.inventory import Circuit
from linksla.jitter import JITTER_KINDS
from sla.answers import CircuitSummary, MonthAnswer, Series
from sla.channel_view import ChannelView
from sla.queries import Queries
from sla.scope import Scope
from sla.tape import describe_tape, elsewhere, render_tape
from sla.versions import MonthVersion

_DAY: Final = 86_400
_BGP_STEPS: Final = 1000  # one a pixel


@dataclass(frozen=True, slots=True)
class Range:
    """What the address asks for: a month, and perhaps a part of it to look at closely."""

    month: str
    start: str
    end: str
    experienced: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """An inline SVG with its sentence."""

    svg: Markup
    summary: str
    elsewhere: tuple[int, int] | None = None  # where there is data, if here is none
    empty: bool = False  # there is nothing to draw


@dataclass(frozen=True, slots=True)
class Day:
    """A link from the tape to one local day."""

    label: str
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class _Circuit:
    """One circuit as one scope sees it."""

    queries: Queries
    scope: Scope
    circuit_id: str
    grid_seconds: int

    def series(self, metric: str, start_s: int, end_s: int, points: int) -> Series | None:
        step = step_for(start_s, end_s, self.grid_seconds, points)
        return self.queries.series(self.scope, self.circuit_id, metric, start_s, end_s, step)


def circuit_panels(
    request: Request,
    queries: Queries,
    scope: Scope,
    summary: CircuitSummary,
    wanted: Range,
    zone: str,
    now_s: int,
    *,
    charts: bool,
) -> dict[str, object]:
    """Return the page's context; `charts` False leaves out what only the charts part needs."""
    inventory = queries.inventory_of(scope, summary.circuit_id)
    grid = inventory.grid_seconds if inventory else 60
    one = _Circuit(queries, scope, summary.circuit_id, grid)
    month = panel(request, lambda: _month(one, summary, wanted.month))
    start_s, end_s, zoomed = _range(summary, month.value, wanted, now_s)
    tape = panel(request, lambda: _tape(one, start_s, end_s, zone, wanted.experienced))
    context: dict[str, object] = {
        "circuit": summary,
        "versions": panel(request, lambda: _versions(one, month.value)),
        "months": panel(request, lambda: queries.months(scope, summary.circuit_id)),
        "month": month,
        "start_s": start_s,
        "end_s": end_s,
        "zoomed": zoomed,
        "experienced": wanted.experienced,
        "tape": tape,
        "days": _days(start_s, end_s, zone) if not zoomed else (),
        "commercial": scope.commercial,
    }
    if charts:
        # asked for by the whole page only, not by the part that is fetched again and again
        context["channels"] = lambda: panel(request, lambda: _channels(one, month.value))
        shown_to = min(end_s, max(summary.live_to_s, start_s + 60))
        context["charts"] = [
            (
                title,
                panel(request, _chart(one, metric, title, said, start_s, shown_to, zone, now_s)),
            )
            for metric, title, meaning in METRICS
            for said in (_meaning(metric, meaning, inventory),)
        ]
        context["bgp"] = panel(request, lambda: _bgp(one, start_s, end_s, shown_to))
    return context


def _month(one: _Circuit, summary: CircuitSummary, month: str) -> MonthAnswer | None:
    """Return the month that was asked for, else the open one, else the newest there is."""
    if month:
        return one.queries.month(one.scope, one.circuit_id, month)
    if summary.month is not None:
        return summary.month
    known = one.queries.months(one.scope, one.circuit_id)
    return one.queries.month(one.scope, one.circuit_id, known[-1]) if known else None


def _channels(one: _Circuit, month: MonthAnswer | None) -> ChannelView | None:
    return one.queries.channel_view(one.scope, one.circuit_id, month.month) if month else None


def _versions(one: _Circuit, month: MonthAnswer | None) -> tuple[MonthVersion, ...]:
    found = one.queries.versions(one.scope, one.circuit_id, month.month) if month else None
    return found or ()


def _range(
    summary: CircuitSummary, month: MonthAnswer | None, wanted: Range, now_s: int
) -> tuple[int, int, bool]:
    """Return what tape and charts show: the range asked for, else the month, else the last day.

    As in the API, a range without an end goes to now, one without a start begins a day before.

    Raises:
        UsageError: the address holds no instants, or they are the wrong way round.
    """
    if wanted.start or wanted.end:
        try:
            end_s = instant_of(wanted.end) if wanted.end else now_s
            start_s = instant_of(wanted.start) if wanted.start else end_s - _DAY
        except (ValueError, OverflowError):
            raise UsageError(
                "from and to are not instants", hint="Write 2026-10-01T06:00:00Z."
            ) from None
        if not start_s < end_s <= start_s + 400 * _DAY:
            to = "to" if wanted.end else "now, which is to where none is given,"
            raise UsageError(f"from must be before {to} and at most 400 days before")
        return start_s, end_s, True
    if month is not None:
        return month.start_s, month.month_end_s, False
    return summary.live_to_s - _DAY, summary.live_to_s, False


def _tape(one: _Circuit, start_s: int, end_s: int, zone: str, experienced: bool) -> Drawing | None:
    tape = one.queries.tape(one.scope, one.circuit_id, start_s, end_s)
    if tape is None:
        return None
    contractual = not experienced
    svg = Markup(render_tape(tape, timezone=zone, contractual=contractual))  # noqa: S704 (escaped)
    summary = describe_tape(tape, zone, contractual=contractual)
    return Drawing(svg, summary, elsewhere(tape), not tape.circuit)


def _bgp(one: _Circuit, start_s: int, end_s: int, shown_to: int) -> Drawing | None:
    """Draw what there is on the tape's scale: an open month's rest stays empty."""
    series = one.series("bgp", start_s, shown_to, _BGP_STEPS)
    if series is None:
        return None
    svg = bgp_lane(series, start_s, end_s)
    return Drawing(Markup(svg), bgp_summary(series))  # noqa: S704  (escapes every name it prints)


def _chart(
    one: _Circuit,
    metric: str,
    title: str,
    meaning: str,
    start_s: int,
    end_s: int,
    zone: str,
    now_s: int,
) -> Callable[[], Chart | None]:
    def make() -> Chart | None:
        series = one.series(metric, start_s, end_s, POINTS_MAX)
        twin = one.series(metric, start_s, end_s, ROWS_MAX)
        if series is None or twin is None:
            return None
        return make_chart(series, twin, title, meaning, zone, now_s)

    return make


def _meaning(metric: str, meaning: str, circuit: Circuit | None) -> str:
    """Return what a chart's line means; of jitter also which of the four kinds it is."""
    if metric != "jitter" or circuit is None:
        return meaning
    if circuit.jitter_kind is None:
        return f"{meaning}; which of the four kinds of jitter, the inventory does not say"
    return f"{meaning}; {JITTER_KINDS[circuit.jitter_kind]}"


def _days(start_s: int, end_s: int, zone: str) -> tuple[Day, ...]:
    """Return the local days of a range, for the row of links under the tape."""
    where = ZoneInfo(zone)
    cuts = [start_s]
    while cuts[-1] < end_s and len(cuts) < 60:
        local = utc(cuts[-1] + 30 * 3600).astimezone(where)  # past the next midnight, DST or not
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        after = int(midnight.timestamp())
        if after <= cuts[-1]:
            break
        cuts.append(min(after, end_s))
    return tuple(Day(str(utc(a).astimezone(where).day), a, b) for a, b in pairwise(cuts))
