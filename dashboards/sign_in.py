"""Sign in and out: plain forms that work without scripts."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.access import (
    Caller,
    Visitor,
    check_form,
    drop_cookie,
    form_cookie,
    from_loopback,
    new_form,
    session_cookie,
    start_session,
)
from dashboards.accounts import SignInRefused
from dashboards.portal import portal_of

router: Final = APIRouter(tags=["portal"], include_in_schema=False)


@router.get("/sign-in")
def sign_in_form(
    request: Request, visitor: Visitor, after: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Show the form; who is signed in already goes on."""
    if visitor is not None:
        return RedirectResponse(own_path(after), HTTPStatus.SEE_OTHER)
    return _form(request, after, "", HTTPStatus.OK)


@router.post("/sign-in")
def sign_in(
    request: Request,
    user: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=2_000)],
    csrf: Annotated[str, Form()] = "",
    after: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Start a session and go on to the page that was asked for."""
    check_form(request, request.cookies.get(form_cookie(request)), csrf)
    portal = portal_of(request)
    result = portal.accounts.sign_in(
        user,
        password,
        address=request.client.host if request.client else "",
        loopback=from_loopback(request) or not portal.deps.loopback_only_demo,
        old_session=request.cookies.get(session_cookie(request), ""),
    )
    if isinstance(result, SignInRefused):
        wait = result.retry_after_seconds
        status = HTTPStatus.TOO_MANY_REQUESTS if wait else HTTPStatus.UNAUTHORIZED
        response = _form(request, after, result.reason, status)
        if wait:
            response.headers["Retry-After"] = str(wait)
        return response
    response = RedirectResponse(own_path(after), HTTPStatus.SEE_OTHER)
    start_session(request, response, result.session_token)
    drop_cookie(request, response, form_cookie(request))
    return response


@router.post("/sign-out")
def sign_out(request: Request, principal: Caller, csrf: Annotated[str, Form()] = "") -> Response:
    """End the session."""
    cookie = request.cookies.get(session_cookie(request))
    check_form(request, cookie, csrf)
    del principal
    portal_of(request).accounts.sign_out(cookie or "")
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    drop_cookie(request, response, session_cookie(request))
    return response


def own_path(text: str) -> str:
    """Return where to go on: a path of ours, never another site's (`//x`, `https:`)."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if safe else "/"


def _form(request: Request, after: str, error: str, status: int) -> Response:
    templates = portal_of(request).templates
    response = Response(status_code=status)
    csrf = new_form(request, response)
    page = templates.TemplateResponse(
        request, "sign_in.html", {"csrf": csrf, "next": own_path(after), "error": error},
        status_code=status,
    )  # fmt: skip
    page.headers["set-cookie"] = response.headers["set-cookie"]
    return page
