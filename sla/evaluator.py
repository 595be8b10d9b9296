"""Judges what was touched and appends every changed verdict to the history.

Late data may reach any month of a circuit: all are judged each time, but those that are final and
of which nothing has changed that they follow from (`sla.final_months`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from linksla.clock import Clock
from linksla.sql import statement
from linksla.stores import TelemetryStore
from sla.answers import MonthAnswer
from sla.causes import Answer, basis, causes
from sla.json import to_json
from sla.looks import Look
from sla.past import Past
from sla.queries import Queries
from sla.standing import Month, Standing, standing_verdicts

FIRST = "first evaluation"
_BUCKETS: Final = ("up", "down", "excluded", "unmeasured")
_TEXTS_MAX: Final = 4_096  # most months say what they said at the last poll


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A month whose verdicts are not what they were; `previous` None: never judged before."""

    circuit_id: str
    month: str
    previous: str | None  # canonical text, see `canonical`
    current: MonthAnswer
    reason: str

    @property
    def about(self) -> Month:
        """The circuit and the month."""
        return self.circuit_id, self.month


class Evaluator:
    """Writes `verdict_history` through the store's writer, in the caller's transaction."""

    def __init__(self, store: TelemetryStore, queries: Queries, clock: Clock) -> None:
        self._store = store
        self._queries = queries
        self._clock = clock
        self._standing = standing_verdicts()
        self._past = Past()
        self.looks: dict[str, Look] = {}
        """What the last evaluation saw, by circuit."""

    def evaluate(self, circuit_ids: Iterable[str]) -> tuple[VerdictChange, ...]:
        """Judge all months of circuits; return and append those whose verdicts changed.

        Reads through the writer as well, so that it sees what its transaction has written.
        """
        names = sorted(set(circuit_ids))
        writer = self._store.writer
        standing = {
            (name, month): one
            for name, months in self._standing.of(writer, names).items()
            for month, one in months.items()
        }
        versions = {month: one.version for month, one in standing.items()}
        changes = []
        self.looks = self._queries.looks(writer, names, versions, self._past)
        for look in self.looks.values():
            judged = []
            for answer in look.answers:
                before = standing.get((answer.circuit_id, answer.month))
                change = _changed(answer, before)
                if change is not None:
                    changes.append(change)
                judged.append(answer if change is None else change.current)
            self._past.months.note(look.history, judged)
        bodies = [to_json(change.current, commercial=True) for change in changes]
        explained = self._explained(changes, bodies, standing)
        self._append(explained, bodies)
        return tuple(explained)

    def _explained(
        self,
        changes: Sequence[VerdictChange],
        bodies: Sequence[Answer],
        standing: Mapping[Month, Standing],
    ) -> list[VerdictChange]:
        """Return the changes with their causes added to the reasons: what, and by whose word."""
        earlier = self._earlier({month: standing[month] for change in changes
                                 if (month := change.about) in standing})  # fmt: skip
        found = []
        for change, body in zip(changes, bodies, strict=True):
            before = earlier.get(change.about)
            because = "" if before is None else _because(before, body)
            found.append(replace(change, reason=change.reason + because))
        return found

    def _earlier(self, standing: Mapping[Month, Standing]) -> dict[Month, Answer]:
        """Return what answers are compared with; of calculations as old stores have them, all."""
        found = {month: json.loads(one.basis) for month, one in standing.items() if one.basis}
        unread = [(*month, one.version) for month, one in standing.items() if not one.basis]
        if unread:
            columns = zip(("circuit_id", "month", "calculation_version"), zip(*unread, strict=True),
                          strict=True)  # fmt: skip
            rows = self._store.writer.execute(
                statement("sla", "verdict_payloads"), {name: list(some) for name, some in columns}
            ).fetchall()
            found |= {(name, month): json.loads(payload) for name, month, payload in rows}
        return found

    def _append(self, changes: Sequence[VerdictChange], bodies: Sequence[Answer]) -> None:
        if not changes:
            return
        answers = [change.current for change in changes]
        texts = [canonical(answer) for answer in answers]
        bases = [_text(basis(body)) for body in bodies]
        self._store.writer.execute(
            statement("sla", "verdict_insert"),
            {
                "circuit_id": [answer.circuit_id for answer in answers],
                "month": [answer.month for answer in answers],
                "calculation_version": [answer.calculation_version for answer in answers],
                "calculated_at_us": self._clock.now_us(),
                "complete_up_to_s": [answer.complete_up_to_s for answer in answers],
                "final": [answer.final for answer in answers],
                "verdicts": texts,
                "reason": [change.reason for change in changes],
                "payload": [_text(body) for body in bodies],
                "basis": bases,
            },
        )
        self._standing.appended(
            (*change.about, Standing.of(answer.calculation_version, *known, final=answer.final))
            for change, answer, *known in zip(changes, answers, texts, bases, strict=True)
        )


def _because(before: Answer, after: Answer) -> str:
    told = dict.fromkeys(cause.told for cause in causes(before, after) if cause.kind != "time")
    return f" Because: {'; '.join(told)}." if told else ""


def _text(body: Answer) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def canonical(answer: MonthAnswer) -> str:
    """Return what of a month may not change silently, as sorted JSON.

    Outcomes by objective and whether the month is final; once it is over, also the seconds that
    any credit follows from, and how all stand that people decide.
    """
    objectives = tuple([(one.name, one.verdict.value) for one in answer.objectives])
    if answer.end_s != answer.month_end_s:
        return _canonical(answer.final, objectives, None, ())
    seconds = answer.seconds
    decided: list[tuple[str, object]] = [
        (one.exclusion_id, (one.accepted, one.is_open)) for one in answer.exclusions
    ]
    for outage in answer.outages:
        decided += [(word.proposal_id, word.standing) for word in outage.attributions]
    buckets = (seconds.up, seconds.down, seconds.excluded, seconds.unmeasured)
    return _canonical(answer.final, objectives, buckets, tuple(decided))


@lru_cache(_TEXTS_MAX)
def _canonical(
    final: bool,
    objectives: tuple[tuple[str, str], ...],
    buckets: tuple[int, int, int, int] | None,
    decided: tuple[tuple[str, object], ...],
) -> str:
    body: dict[str, object] = {"final": final, "objectives": dict(objectives)}
    if buckets is not None:
        body["seconds"] = dict(zip(_BUCKETS, buckets, strict=True))
        body["decided"] = dict(decided)
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _changed(answer: MonthAnswer, before: Standing | None) -> VerdictChange | None:
    if before is None:
        first = replace(answer, calculation_version=1)
        return VerdictChange(answer.circuit_id, answer.month, None, first, FIRST)
    previous = before.verdicts
    if previous == canonical(answer):
        return None
    current = replace(answer, calculation_version=before.version + 1)
    reason = _difference(previous, answer)
    return VerdictChange(answer.circuit_id, answer.month, previous, current, reason)


def _difference(previous: str, answer: MonthAnswer) -> str:
    """Return in words what is not as it was."""
    old, new = json.loads(previous), json.loads(canonical(answer))
    said = []
    reasons = {one.name: one.reason for one in answer.objectives}
    for name, outcome in new["objectives"].items():
        was = old["objectives"].get(name)
        if was != outcome:
            words = outcome.replace("_", " ")
            came_from = f" (was {was.replace('_', ' ')})" if was else ""
            said.append(f"{name}: {words}{came_from}. {reasons[name]}")
    gone = [name for name in old["objectives"] if name not in reasons]
    said += [f"{name}: no longer in the contract." for name in gone]
    if old["final"] != new["final"]:
        said.append("The month is final." if new["final"] else _not_final(answer))
    elif "seconds" in new and "seconds" not in old:
        said.append("The month is over and complete.")
    if "seconds" in old and old["seconds"] != new.get("seconds", old["seconds"]):
        parts = [
            f"{bucket} {old['seconds'][bucket]:,} to {seconds:,} s"
            for bucket, seconds in new["seconds"].items()
            if old["seconds"][bucket] != seconds
        ]
        what = "final" if old["final"] else "closed"
        said.append(f"Seconds of a {what} month changed: {', '.join(parts)}.")
    return " ".join(said) or "What people decided about the month changed."


def _not_final(answer: MonthAnswer) -> str:
    if not answer.open_proposals:
        return "The month is no longer final."
    number = len(answer.open_proposals)
    awaited = "1 proposal awaits" if number == 1 else f"{number} proposals await"
    return f"The month is no longer final: {awaited} a decision."
