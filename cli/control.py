"""Commands reach a running node through a local socket (mode 0600): only its owner can speak.

DuckDB has one writing process, so `linksla report` beside a running node asks the node.
"""

from pathlib import Path

import httpx
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cli.explanations import answer
from cli.ledger_answer import ledger_answer
from cli.outage_desk import DeskRequest, at_desk
from cli.standing import Standing
from linksla.clock import Clock
from linksla.decisions import DecisionsStore
from linksla.errors import LinkslaError, UsageError
from reports.build import build_report
from sla.backtest import backtest
from sla.contracts import one_contract
from sla.desk import Desk
from sla.queries import Queries


class ReportRequest(BaseModel):
    """Which report to write, and where."""

    customer: str
    month: str
    out: Path


class LedgerRequest(BaseModel):
    """Of which circuit, and of which month if not of all."""

    circuit: str
    month: str | None


class BacktestRequest(BaseModel):
    """Which months to judge under which other contract."""

    contract: Path
    first: str
    last: str
    circuits: list[str]


class ExplainRequest(BaseModel):
    """Which month to explain, and what of it closely."""

    circuit: str
    month: str
    outage: str | None
    start: str | None
    end: str | None
    samples: int
    after: str | None


def create_control_app(
    queries: Queries, decisions: DecisionsStore, clock: Clock, standing: Standing
) -> FastAPI:
    """Return the application behind the local socket."""
    app = FastAPI(openapi_url=None)

    @app.exception_handler(LinkslaError)
    def explain(_: object, error: Exception) -> JSONResponse:
        assert isinstance(error, LinkslaError)  # noqa: S101 - what the handler is registered for
        body = {
            "what": error.what, "where": error.where, "hint": error.hint,
            "usage": error.exit_code == UsageError.exit_code,
        }  # fmt: skip
        return JSONResponse(body, status_code=422)

    @app.post("/report")
    def report(request: ReportRequest) -> list[str]:
        files = build_report(
            queries, decisions, request.customer, request.month, request.out, clock
        )
        return [str(path) for path in files.all]

    @app.post("/backtest")
    def judge_again(request: BacktestRequest) -> dict[str, object]:
        return backtest(
            queries, one_contract(request.contract), request.first, request.last, request.circuits
        )

    @app.post("/ledger")
    def ledger(request: LedgerRequest) -> dict[str, object]:
        return ledger_answer(queries, request.circuit, request.month)

    @app.post("/outages")
    def outages(request: DeskRequest) -> list[dict[str, object]]:
        return at_desk(Desk(queries, decisions, clock), request)

    @app.post("/explain")
    def explain_month(request: ExplainRequest) -> dict[str, object]:
        return answer(queries, **request.model_dump())

    @app.get("/status")
    def status() -> dict[str, object]:
        return standing.answer()

    return app


def ask_node(socket: Path, method: str, path: str, body: object = None) -> object:
    """Ask the running node behind a local socket and return its JSON answer.

    Raises:
        LinkslaError: nothing answers there, or the node refused; the node's own words.
    """
    transport = httpx.HTTPTransport(uds=str(socket))
    try:
        with httpx.Client(transport=transport, base_url="http://node", timeout=300) as client:
            answer = client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise LinkslaError(
            f"the node does not answer: {error}",
            where=str(socket),
            hint="Is `linksla run` still running, with the same configuration?",
            retryable=True,
        ) from None
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "what" in answer.json():
        said = answer.json()
        kind = UsageError if said["usage"] else LinkslaError
        raise kind(said["what"], where=said["where"], hint=said["hint"])
    answer.raise_for_status()
    return answer.json()
