"""The web application: portal and API on one FastAPI app."""

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from dashboards import api, desk_api, explain, operations, pages, sign_in, stream
from dashboards.accounts import Accounts
from dashboards.headers import SafeHeaders
from dashboards.portal import Portal, PortalDependencies
from dashboards.problems import Refusal, problem
from dashboards.segment import KeepSegments
from dashboards.templating import make_templates
from linksla.errors import LinkslaError, UsageError

__all__ = ["PortalDependencies", "create_app"]

log = logging.getLogger(__name__)

_STATIC: Final = Path(__file__).parent / "static"
ROUTERS: Final = (
    api.router,
    desk_api.router,
    explain.router,
    operations.router,
    sign_in.router,
    stream.router,
    pages.router,
)


def create_app(deps: PortalDependencies) -> FastAPI:
    """Return the application; it reads and writes nothing until it is asked something."""
    app = FastAPI(
        title="linksla",
        version="1",
        description="SLA of private cloud links. Errors are RFC 9457; lists have cursors.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    accounts = Accounts(deps.decisions, deps.clock)
    app.state.portal = Portal(deps, accounts, make_templates())
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(UsageError, _wrong_use)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(KeepSegments)
    app.add_middleware(SafeHeaders, meters=deps.meters, on_error=_failed)
    return app


def _refused(request: Request, error: Exception) -> Response:
    refusal = error if isinstance(error, Refusal) else Refusal(500)
    if refusal.status == HTTPStatus.UNAUTHORIZED and _wants_page(request):
        asked = quote(request.url.path, safe="/")
        if request.url.query:
            asked += "?" + request.url.query
        return RedirectResponse("/sign-in?" + urlencode({"next": asked}), HTTPStatus.SEE_OTHER)
    return _error(request, refusal.status, refusal.detail)


def _wrong_use(request: Request, error: Exception) -> Response:
    return _error(request, HTTPStatus.BAD_REQUEST, str(error))


def _invalid(request: Request, error: Exception) -> Response:
    """Name the fields that do not fit, never their values: they may be secrets."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    told = [f"{'.'.join(str(step) for step in e['loc'][1:])}: {e['msg']}" for e in found]
    return _error(request, HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(told) + ".")


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _error(request, status, "")


def _failed(request: Request, error: Exception) -> Response:
    request_id = request.scope.get("request_id", "")
    log.error("request %s failed", request_id, exc_info=error)
    retryable = isinstance(error, LinkslaError) and error.retryable
    status = HTTPStatus.SERVICE_UNAVAILABLE if retryable else HTTPStatus.INTERNAL_SERVER_ERROR
    return _error(request, status, "")


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith(("/api/", "/metrics", "/healthz", "/readyz", "/live"))


def _error(request: Request, status: int, detail: str) -> Response:
    if _wants_page(request):
        return pages.error_page(request, status, detail)
    return problem(status, detail)
