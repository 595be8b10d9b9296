"""Which version of a month's report was issued: what people decided, beside what is computed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sla.answers import MonthAnswer

Issued = Callable[[], Mapping[tuple[str, str], int]]
"""Asked anew for each answer: the latest issued report version by customer and month."""


def nothing_issued() -> Mapping[tuple[str, str], int]:
    """Return no version: there is nobody to ask."""
    return {}


def reported(answer: MonthAnswer, issued: Mapping[tuple[str, str], int]) -> MonthAnswer:
    """Return a month with the version of its customer's report; None: none was issued yet."""
    return replace(answer, report_version=issued.get((answer.customer_id, answer.month)))
