"""Who asks? Session or token to principal, the loopback rule, and the guard on forms.

What only looks at a request is `async`: each dependency that is not goes to a thread of its own and
back, 2 ms a time while samples arrive.
"""

import hmac
import secrets
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dashboards.accounts import SESSION_SECONDS, Principal, Role, form_token
from dashboards.portal import portal_of
from dashboards.problems import Refusal

_BEARER: Final = HTTPBearer(auto_error=False, description="An API token, see POST /tokens.")
_FORM_SECONDS: Final = 3600


def session_cookie(request: Request) -> str:
    """Return the session cookie's name; `__Host-` pins it to this host where https allows it."""
    return "__Host-linksla" if request.url.scheme == "https" else "linksla"


def form_cookie(request: Request) -> str:
    """Return the name of the cookie that guards the sign-in form, before there is a session."""
    return session_cookie(request) + "_form"


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send along with a form."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Delete a cookie, with the attributes it was set with."""
    secure = request.url.scheme == "https"
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=secure)


def start_session(request: Request, response: Response, token: str) -> None:
    """Put a new session into the cookie."""
    set_cookie(request, response, session_cookie(request), token, SESSION_SECONDS)


def from_loopback(request: Request) -> bool:
    """Return whether the request comes from this machine itself, not through a proxy.

    The host name is checked too: a page of a rebound name (DNS rebinding) runs in a local browser.
    """
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for"))
    if request.client is None or forwarded:
        return False
    return _loopback(request.client.host) and _loopback(request.url.hostname or "")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def visitor(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Principal | None:
    """Return who asks, or None. A token that is sent and does not hold is never ignored."""
    accounts = portal_of(request).accounts
    if "authorization" in request.headers:
        principal = accounts.by_token(bearer.credentials) if bearer else None
        if principal is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED)
        return principal
    cookie = request.cookies.get(session_cookie(request))
    return accounts.by_session(cookie) if cookie else None


Visitor = Annotated[Principal | None, Depends(visitor)]


async def signed_in(principal: Visitor) -> Principal:
    """Return who asks; nobody is a 401 (a page answers it with the sign-in form)."""
    if principal is None:
        raise Refusal(HTTPStatus.UNAUTHORIZED)
    return principal


Caller = Annotated[Principal, Depends(signed_in)]


async def admin_only(principal: Caller) -> Principal:
    """Return an admin; others get 403. A token bound to a customer is no admin."""
    if principal.role is not Role.ADMIN or principal.bound:
        raise Refusal(HTTPStatus.FORBIDDEN)
    return principal


async def operator_only(principal: Caller) -> Principal:
    """Return somebody of the NOC or an admin; others get 403."""
    if principal.role not in (Role.NOC, Role.ADMIN) or principal.bound:
        raise Refusal(HTTPStatus.FORBIDDEN)
    return principal


Admin = Annotated[Principal, Depends(admin_only)]
Operator = Annotated[Principal, Depends(operator_only)]


def check_origin(request: Request) -> None:
    """Refuse a write that another site's page started.

    Browsers send Origin with every POST; a caller without one is no browser, and still needs the
    form's token.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    ours = (request.url.scheme, request.url.netloc)
    if urlsplit(origin)[:2] != ours:
        raise Refusal(HTTPStatus.FORBIDDEN, "This form came from another site.")


def check_form(request: Request, cookie: str | None, given: str | None) -> None:
    """Refuse a form without the token that belongs to its cookie."""
    check_origin(request)
    expected = form_token(cookie) if cookie else ""
    if not expected or not hmac.compare_digest(expected.encode(), (given or "").encode()):
        raise Refusal(HTTPStatus.FORBIDDEN, "The form is too old, or not ours. Load it again.")


def check_write(request: Request, principal: Principal) -> None:
    """Refuse a session's API write without its `X-CSRF-Token`; tokens carry their own proof."""
    if principal.by_token:
        return
    cookie = request.cookies.get(session_cookie(request))
    check_form(request, cookie, request.headers.get("x-csrf-token"))


def new_form(request: Request, response: Response) -> str:
    """Give the sign-in form a cookie and return the token that goes with it."""
    value = secrets.token_urlsafe(32)
    set_cookie(request, response, form_cookie(request), value, _FORM_SECONDS)
    return form_token(value)
