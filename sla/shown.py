"""What of a month a reader is shown: records that are not for customers stay in the house. Pure.

Showing is one of a record's three separate effects (DESIGN 7.4): what it takes out is taken out all
the same, so a customer sees how much, and not by which record.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sla.answers import ExclusionAnswer, MonthAnswer
from sla.scope import Scope

NOT_SHOWN: Final = "not shown"


def shown_exclusions(
    scope: Scope, exclusions: Sequence[ExclusionAnswer]
) -> tuple[ExclusionAnswer, ...]:
    """Return the records for a reader: of hidden ones only those that took something, nameless."""
    if scope.internal or all(one.shown for one in exclusions):
        return tuple(exclusions)
    return tuple(
        one if one.shown else _nameless(one) for one in exclusions if one.shown or one.seconds
    )


def _nameless(one: ExclusionAnswer) -> ExclusionAnswer:
    return ExclusionAnswer(
        NOT_SHOWN, one.start_s, one.end_s, NOT_SHOWN, one.accepted, one.seconds,
        "Accepted: work that the carrier keeps to itself.",
    )  # fmt: skip


def shown_month(scope: Scope, answer: MonthAnswer) -> MonthAnswer:
    """Return a month as a reader may see it."""
    if scope.internal or all(one.shown for one in answer.exclusions):
        return answer
    hidden = {one.exclusion_id for one in answer.exclusions if not one.shown}
    return replace(
        answer,
        exclusions=shown_exclusions(scope, answer.exclusions),
        open_proposals=tuple(
            NOT_SHOWN if name in hidden else name for name in answer.open_proposals
        ),
    )
