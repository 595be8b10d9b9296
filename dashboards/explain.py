"""What is behind every number of a month: as a page with permanent links, and as JSON."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from dashboards.api import Ask
from dashboards.pages import Visiting
from dashboards.problems import NOT_FOUND
from dashboards.segment import CIRCUIT_PATH
from sla.explain import asked_of
from sla.explain_json import explanation_json
from sla.explanation import Asked
from sla.words import why_open

router: Final = APIRouter()

_PATH: Final = CIRCUIT_PATH + "/months/{month}/explain"
_SAMPLES_DEFAULT: Final = 100


async def _closer(
    outage: str | None = None,
    start: Annotated[str | None, Query(alias="from")] = None,
    end: Annotated[str | None, Query(alias="to")] = None,
    samples: int = _SAMPLES_DEFAULT,
    after: str | None = None,
) -> Asked:
    return asked_of(outage or None, start or None, end or None, samples, after or None)


Closer = Annotated[Asked, Depends(_closer)]


@router.get("/api/v1" + _PATH, tags=["api"])
def explain(ask: Ask, circuit_id: str, month: str, closer: Closer) -> Response:
    """Explain a month: its arithmetic, every piece of every bucket, rules, outages, statements.

    With `outage`, or `from` and `to` (at most 7 days of the month), also the channels, their spans
    and the samples with Kafka partition and offset; `after` asks for the next samples.
    """
    found = ask.portal.deps.queries.explain(ask.principal.scope, circuit_id, month, closer)
    if found is None:
        raise NOT_FOUND
    return ask.answer(explanation_json(found))


@router.get(_PATH, include_in_schema=False)
def explain_page(visit: Visiting, circuit_id: str, month: str, closer: Closer) -> Response:
    """Show the same as a page; each number has a name of its own to link to."""
    found = visit.portal.deps.queries.explain(visit.scope, circuit_id, month, closer)
    if found is None:
        raise NOT_FOUND
    answer = found.answer
    context = {
        "e": found,
        "m": answer,
        "circuit_id": circuit_id,
        "why_open": why_open(
            is_over=answer.end_s == answer.month_end_s, proposals=len(answer.open_proposals)
        ),
    }
    return visit.render("explain", found.answer.timezone, context)
