"""The desk at which people attribute outages and decide on windows; every word is kept and audited.

Who may stand at it is for the caller to say; that nobody decides on his own proposal is kept here.
A running node takes a word over within a second or two, and judges the circuit's months again.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from linksla.announcements import BadAnnouncement
from linksla.clock import Clock
from linksla.decisions import (
    DecisionsStore,
    maintenance_decisions,
    maintenance_revisions,
    outage_words,
    record,
)
from linksla.errors import UsageError
from sla.announced import read_window
from sla.attributions import (
    Act,
    Attribution,
    AttributionWord,
    Reclassification,
    allowed,
    proposal_id,
    reclassifications,
)
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.scope import Scope

REASON_CHARACTERS_MAX: Final = 2_000
BY_PEOPLE: Final = "people"
"""In the place of a topic's id: a revision that came through the portal, not from Kafka."""


class Desk:
    """Keeps people's words in the decisions store; safe in any thread."""

    def __init__(self, queries: Queries, decisions: DecisionsStore, clock: Clock) -> None:
        self._queries = queries
        self._decisions = decisions
        self._clock = clock

    def propose(
        self,
        scope: Scope,
        who: str,
        outage_id: str,
        attribution: Attribution,
        reason: str,
        *,
        circuit_id: str | None = None,
        ticket: str | None = None,
    ) -> Reclassification | None:
        """Propose what an outage is attributed to; None: there is no such outage in scope.

        The same proposal by the same person, still open, is not made twice.

        Raises:
            UsageError: no reason is given, or the circuit must be named.
        """
        _check(reason)
        outage = self._queries.outage(scope, outage_id, circuit_id)
        if outage is None:
            return None
        end_s = outage.end_s
        if end_s is None:
            end_s = max(self._queries.complete_up_to(outage.circuit_id), outage.start_s + 1)
        at_us = self._clock.now_us()
        word = AttributionWord(
            proposal_id(outage_id, attribution, who, at_us), Act.PROPOSED, who, at_us, reason,
            outage.circuit_id, outage_id, outage.start_s, end_s, attribution, ticket,
        )  # fmt: skip
        with self._decisions.engine.begin() as connection:
            for one in _standing(connection):
                same = (one.proposal.who, one.proposal.outage_id, one.proposal.attribution)
                if one.is_open and same == (who, outage_id, attribution):
                    return one
            _keep(connection, word, word)
        return Reclassification(word, Act.PROPOSED, None)

    def decide(
        self, scope: Scope, who: str, proposal: str, act: Act, reason: str
    ) -> Reclassification | None:
        """Approve, refuse or revoke a proposal; None: there is none in scope.

        Raises:
            UsageError: the proposer decides his own, it is decided already, or no reason is given.
        """
        _check(reason)
        with self._decisions.engine.begin() as connection:
            one = next(
                (o for o in _standing(connection) if o.proposal.proposal_id == proposal), None
            )
            if one is None or not self._sees(scope, one):
                return None
            if not allowed(one, act, who):
                raise UsageError(
                    f"proposal {proposal} is {one.standing.value}"
                    if one.standing is not Act.PROPOSED
                    else f"{who} proposed {proposal}",
                    hint="Who proposes does not decide; make a new proposal where one is closed.",
                )
            word = AttributionWord(proposal, act, who, self._clock.now_us(), reason)
            _keep(connection, word, one.proposal)
        return Reclassification(one.proposal, act, word)

    def proposals(self, scope: Scope, *, open_only: bool = False) -> tuple[Reclassification, ...]:
        """Return the proposals in scope, newest first."""
        with self._decisions.engine.connect() as connection:
            known = _standing(connection)
        return tuple(
            sorted(
                (one for one in known if self._sees(scope, one) and (one.is_open or not open_only)),
                key=lambda one: (-one.proposal.at_us, one.proposal.proposal_id),
            )
        )

    def _sees(self, scope: Scope, one: Reclassification) -> bool:
        proposal = one.proposal
        return self._queries.sees(scope, proposal.circuit_id, proposal.start_s, proposal.end_s)


def read_words(connection: Connection) -> list[AttributionWord]:
    """Return everything people said about outages."""
    return [
        AttributionWord(
            row.proposal_id, Act(row.act), row.who, row.at_us, row.reason, row.circuit_id,
            row.outage_id, row.start_s, row.end_s, Attribution(row.attribution), row.ticket,
        )
        for row in connection.execute(sa.select(outage_words).order_by(outage_words.c.number))
    ]  # fmt: skip


def propose_window(
    decisions: DecisionsStore, window: Mapping[str, object], *, who: str, at_us: int
) -> MaintenanceWindow:
    """Keep a window, a waiting ticket, or an edit of one, as if it had been announced by `who`.

    Raises:
        UsageError: it does not fit.
    """
    value = json.dumps({**window, "proposed_by": who}, ensure_ascii=False)
    key = str(window.get("id", ""))
    try:
        found = read_window(key, value.encode())
    except BadAnnouncement as error:
        raise UsageError(
            str(error), hint="See maintenance.yaml in docs/configuration.md."
        ) from None
    mine = maintenance_revisions.c.topic_id == BY_PEOPLE
    place = sa.select(sa.func.max(maintenance_revisions.c.offset)).where(mine)
    with decisions.engine.begin() as connection:
        detail: dict[str, object] = {"window": value}
        record(
            connection, at_us=at_us, who=who, action="maintenance proposed", on=key, detail=detail
        )
        last = connection.execute(place).scalar()
        connection.execute(
            maintenance_revisions.insert().values(
                topic_id=BY_PEOPLE, partition=0, offset=0 if last is None else last + 1, key=key,
                announced_at_us=at_us, body=value,
            )
        )  # fmt: skip
    return found


def decide_window(
    decisions: DecisionsStore,
    windows: Sequence[MaintenanceWindow],
    window_id: str,
    *,
    accepted: bool,
    who: str,
    at_us: int,
) -> None:
    """Keep a person's word on a window as it stands now (`windows` are those that do).

    Raises:
        UsageError: there is no such window, or who proposed it would approve it.
    """
    parts = [w for w in windows if w.id.partition("#")[0] == window_id]
    if not parts:
        known = sorted({w.id.partition("#")[0] for w in windows})
        raise UsageError(
            f"no window {window_id!r} stands", hint=f"Known: {', '.join(known) or 'none'}."
        )
    if accepted and parts[0].proposed_by == who:
        raise UsageError(
            f"{who} proposed window {window_id!r}", hint="Who proposes does not approve."
        )
    numbers = sa.select(sa.func.max(maintenance_revisions.c.number)).where(
        maintenance_revisions.c.key == window_id
    )
    with decisions.engine.begin() as connection:
        seen = connection.execute(numbers).scalar() or 0
        connection.execute(
            maintenance_decisions.insert().values(
                window_id=window_id, revision_number=seen, accepted=accepted, who=who, at_us=at_us
            )
        )
        action = "maintenance approved" if accepted else "maintenance refused"
        detail: dict[str, object] = {"revision": seen}
        record(connection, at_us=at_us, who=who, action=action, on=window_id, detail=detail)


def _standing(connection: Connection) -> list[Reclassification]:
    found = reclassifications(read_words(connection))
    return [one for many in found.values() for one in many]


def _keep(connection: Connection, word: AttributionWord, proposal: AttributionWord) -> None:
    connection.execute(
        outage_words.insert().values(
            proposal_id=word.proposal_id, act=word.act.value, who=word.who, at_us=word.at_us,
            reason=word.reason, circuit_id=proposal.circuit_id, outage_id=proposal.outage_id,
            start_s=proposal.start_s, end_s=proposal.end_s,
            attribution=proposal.attribution.value, ticket=proposal.ticket,
        )
    )  # fmt: skip
    detail: dict[str, object] = {
        "proposal": word.proposal_id,
        "circuit": proposal.circuit_id,
        "attribution": proposal.attribution.value,
        "reason": word.reason,
    }
    action = f"attribution {word.act.value}"
    record(
        connection, at_us=word.at_us, who=word.who, action=action, on=proposal.outage_id,
        detail=detail,
    )  # fmt: skip


def _check(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
        raise UsageError(f"a reason has 1 to {REASON_CHARACTERS_MAX:,} characters", hint="Say why.")
