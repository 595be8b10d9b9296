"""A page is made of panels: one that fails shows its own error, the rest of the page lives."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request

from linksla.errors import UsageError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Panel(Generic[T]):
    """What a panel shows, or why it shows nothing. `value` None without error: nothing there."""

    value: T | None
    error: str = ""


def panel(request: Request, make: Callable[[], T]) -> Panel[T]:
    """Make a panel's value; an error becomes its text, with the request id that finds it."""
    try:
        return Panel(make())
    except UsageError as error:
        return Panel(None, str(error))
    except Exception:
        request_id = request.scope.get("request_id", "")
        log.exception("a panel failed, request %s", request_id)
        return Panel(None, f"This part could not be read. Request {request_id}.")
