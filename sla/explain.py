"""A month explained: judged again from what is stored, each level summing to the one above.

Nothing remembered is used: what is explained is computed afresh, and the statements that were run
for it stand at its end.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import duckdb

from linksla.clock import parse_instant
from linksla.errors import UsageError
from linksla.inventory import DAY_SECONDS, Circuit
from sla import telemetry
from sla.answering import AskedMonths
from sla.answers import Bucket, LedgerLine, MonthAnswer
from sla.arithmetic import month_steps, segment_steps
from sla.calendar import is_month
from sla.clauses import clauses, commercial_clauses
from sla.closed import ClosedMonths
from sla.credit_steps import credit_steps
from sla.evidence import ChannelEvidence, merged, read_evidence, read_samples, seconds_of
from sla.explain_objectives import explain_objectives
from sla.explain_outages import Rule, explain_outage
from sla.explanation import (
    Asked,
    BucketExplained,
    Closer,
    Explanation,
    OutageExplained,
    Piece,
    SegmentExplained,
)
from sla.history import FAR_AHEAD_S
from sla.issued import Issued, reported
from sla.measures import Observed
from sla.months import periods_of
from sla.network import OnNetwork
from sla.observing import Performance
from sla.performance import read_observed
from sla.periods import Ownership, Period
from sla.pieces import bad_pieces, explain_exclusion, pieces_of, reasoned
from sla.recorded import RecordedCursor, Statement
from sla.records import read_ledger
from sla.runs import availability_runs_by_statement
from sla.scope import Scope
from sla.segments import JudgedMonth, JudgedSegment, judge_segments
from sla.shown import shown_month
from sla.telemetry import Telemetry

NOTHING_CLOSER: Final = Asked()
RANGE_SECONDS_MAX: Final = 7 * DAY_SECONDS
_OF_THE_RANGE: Final = ("sla/sql/explain_", "sla/sql/performance_", "sla/sql/ledger.sql")
"""Statements whose parameters tell of nothing but what a reader may see."""

SAMPLES_MAX: Final = 1_000


class Explaining(OnNetwork):
    """Base of `sla.queries.Queries`: explains the numbers it answers."""

    _performance: Performance
    _closed: ClosedMonths
    _issued: Issued

    def explain(
        self, scope: Scope, circuit_id: str, month: str, asked: Asked = NOTHING_CLOSER
    ) -> Explanation | None:
        """Return a month's numbers with all they follow from, or None as `month` does.

        Raises:
            UsageError: the month has no such outage, or the range does not lie in it.
        """
        owns = self._visible(scope, [circuit_id]).get(circuit_id, ())
        if not owns or not is_month(month):
            return None
        fresh = copy.copy(self)
        fresh._performance, fresh._closed = Performance(read_observed), ClosedMonths()
        with self._snapshot() as cursor:
            subject = fresh._subject(RecordedCursor(cursor), circuit_id, owns, month)
            if subject is None:
                return None
            answer = reported(shown_month(scope, subject.answer), self._issued())
            shown = replace(subject, answer=answer)
            return shown.explained(asked, scope)

    def _subject(
        self, record: RecordedCursor, circuit_id: str, owns: Sequence[Ownership], month: str
    ) -> "_Subject | None":
        cursor = record.cursor
        facts = telemetry.read(cursor, [circuit_id])
        judged = self._histories.historian.judged(
            cursor, facts, [circuit_id], availability_runs_by_statement
        )
        history = judged.get(circuit_id)
        if history is None:
            return None
        (answers,) = self._months(cursor, facts, [AskedMonths(history, owns, (month,))])
        if not answers:
            return None
        periods = periods_of(history, owns, month)
        kept = self._performance.judged(
            cursor, facts, [(history.circuit, period) for period in periods]
        )
        objectives = [() if one is None else one.answers for one in kept]
        return _Subject(
            record, facts, history.circuit, answers[0], periods,
            judge_segments(history, periods, objectives),
            tuple(() if one is None else one.observed for one in kept),
        )  # fmt: skip

    def _months(
        self,
        cursor: duckdb.DuckDBPyConnection,
        facts: Telemetry,
        asked: Sequence[AskedMonths],
    ) -> list[tuple[MonthAnswer, ...]]:
        """Return the answers of months; what `sla.queries.Queries` does."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Subject:
    """A judged month, and where to read what it follows from."""

    record: RecordedCursor
    facts: Telemetry
    circuit: Circuit
    answer: MonthAnswer
    periods: tuple[Period, ...]
    judged: JudgedMonth
    observed: tuple[tuple[Observed, ...], ...]  # of each period

    @property
    def _last(self) -> Period:
        return self.periods[-1]

    @property
    def _rule(self) -> Rule:
        terms = self._last.history.in_force.contract.availability
        return Rule(terms.up_at_least, terms.consecutive, self.circuit.grid_seconds)

    @property
    def _capped(self) -> bool:
        contract = self._last.history.in_force.contract
        return contract.maintenance.cap_hours_per_month is not None

    def explained(self, asked: Asked, scope: Scope) -> Explanation:
        start_s, end_s = self.answer.start_s, self.answer.end_s
        part, rule = self._last.history, self._rule
        evidence = read_evidence(
            self.record.cursor, self.facts, self.circuit, part.in_force.contract, start_s, end_s
        )
        named = {
            one.exclusion_id: f"{one.exclusion_id} ({one.scope})" for one in self.answer.exclusions
        }
        pieces = pieces_of(part.runs, part.excluded, named, start_s, end_s)
        outages = tuple(
            explain_outage(one, part.runs, evidence, rule, self._last.own, start_s, end_s)
            for one in self.answer.outages
        )
        closer = self._closer(asked, outages, evidence)
        return Explanation(
            answer=self.answer,
            commercial=scope.commercial,
            channels_needed=rule.needed,
            grid_seconds=rule.grid_s,
            consecutive=rule.consecutive,
            steps=month_steps(self.judged),
            credit=credit_steps(self.judged, self.answer) if scope.commercial else (),
            buckets=self._buckets(pieces, evidence, asked.rows_max),
            segments=tuple(self._segment(one, scope) for one in self.judged.segments),
            outages=outages,
            exclusions=tuple(
                explain_exclusion(one, pieces, capped=self._capped)
                for one in self.answer.exclusions
            ),
            bad_but_not_down=bad_pieces(part.runs, rule.grid_s, rule.consecutive, start_s, end_s)[
                : asked.rows_max
            ],
            channels=seconds_of(evidence, start_s, end_s),
            ledger=self._ledger(),
            closer=closer,
            statements=self._statements(scope),
        )

    def _buckets(
        self, pieces: Sequence[Piece], evidence: Sequence[ChannelEvidence], rows_max: int
    ) -> tuple[BucketExplained, ...]:
        contractual, experienced = self.answer.seconds, self.answer.as_experienced
        found = []
        for bucket in Bucket:
            own = [piece for piece in pieces if piece.bucket is bucket]
            shown = [reasoned(one, self.answer.outages, evidence) for one in own[:rows_max]]
            found.append(
                BucketExplained(
                    bucket,
                    getattr(contractual, bucket.value),
                    None if bucket is Bucket.EXCLUDED else getattr(experienced, bucket.value),
                    len(own),
                    tuple(shown),
                )
            )
        return tuple(found)

    def _segment(self, one: JudgedSegment, scope: Scope) -> SegmentExplained:
        number = self.judged.segments.index(one)
        contract, period = one.contract, one.period
        return SegmentExplained(
            answer=self.answer.segments[number],
            title=contract.title,
            source=contract.source,
            seconds=one.tally.contractual,
            as_experienced=one.tally.as_experienced,
            steps=segment_steps(one),
            clauses=clauses(contract, self.circuit),
            commercial=commercial_clauses(contract) if scope.commercial else (),
            objectives=explain_objectives(
                self.observed[number], self.facts, self.circuit, period, one.objectives
            ),
        )  # fmt: skip

    def _closer(
        self,
        asked: Asked,
        outages: Sequence[OutageExplained],
        evidence: Sequence[ChannelEvidence],
    ) -> Closer | None:
        found = self._range(asked, outages)
        if found is None:
            return None
        lower, upper = found
        spans = [span for one in evidence for span in one.within(lower, upper)]
        spans.sort(key=lambda span: (span.channel, span.start_s))
        page = read_samples(
            self.record.cursor, self.facts.channels[self.circuit.id], lower, upper,
            asked.samples_max, asked.after,
        )  # fmt: skip
        moments = merged(evidence, self._last.history.runs, self._rule.needed, lower, upper)
        return Closer(
            lower, upper, asked.outage_id, moments[: asked.rows_max],
            tuple(spans[: asked.rows_max]), len(spans), page.counts, page.samples, page.next_after,
        )  # fmt: skip

    def _range(self, asked: Asked, outages: Sequence[OutageExplained]) -> tuple[int, int] | None:
        """Return what to look at closely; an outage with n cells before and after, in the month."""
        start_s, end_s = self.answer.start_s, self.answer.end_s
        if asked.outage_id is not None:
            known = {one.answer.outage_id: one for one in outages}
            if asked.outage_id not in known:
                raise UsageError(
                    f"there is no outage {asked.outage_id!r} in {self.answer.month}",
                    hint=f"There is: {', '.join(known) or 'none'}.",
                )
            outage, around = known[asked.outage_id], self._rule.decisive_seconds
            return max(outage.lower_s - around, start_s), min(outage.upper_s + around, end_s)
        if asked.start_s is None or asked.end_s is None:
            return None
        lower, upper = max(asked.start_s, start_s), min(asked.end_s, end_s)
        if lower >= upper or upper - lower > RANGE_SECONDS_MAX:
            raise UsageError(
                "the range has nothing of the month in it, or more than 7 days",
                hint=f"Ask for a part of {self.answer.month} as far as it is complete.",
            )
        return lower, upper

    def _ledger(self) -> tuple[LedgerLine, ...]:
        first, last = (
            at // DAY_SECONDS for at in (self.answer.start_s, max(self.answer.end_s - 1, 0))
        )
        seen = {self.circuit.id: [self._last.own]}
        return tuple(
            line
            for line in read_ledger(self.record.cursor, seen, whole_stream=False)
            if line.day is not None
            and first <= parse_instant(f"{line.day}T00:00:00Z") // DAY_SECONDS <= last
        )

    def _statements(self, scope: Scope) -> tuple[Statement, ...]:
        """Return what was run; of what a reader may not see he is told no parameter either."""
        own, circuit = self._last.own, self.circuit
        ends = FAR_AHEAD_S if circuit.active_to is None else circuit.active_to
        whole = own.start_s <= circuit.active_from and own.end_s >= ends
        decisions = self._last.history.decisions
        whole &= scope.internal or all(one.window.show_to_customer for one in decisions)
        return tuple(
            one if whole or one.name.startswith(_OF_THE_RANGE) else replace(one, parameters=None)
            for one in self.record.statements
        )


def asked_of(
    outage: str | None, start: str | None, end: str | None, samples: int, after: str | None
) -> Asked:
    """Return what is asked for closely.

    Raises:
        UsageError: an instant is none, one end of the range is missing, or samples is out of range.
    """
    if (start is None) != (end is None):
        raise UsageError("a range has two ends", hint="Give from and to.")
    if not 1 <= samples <= SAMPLES_MAX:
        raise UsageError(f"samples must lie between 1 and {SAMPLES_MAX:,}")
    try:
        lower = None if start is None else parse_instant(start.replace(" ", "+"))
        upper = None if end is None else parse_instant(end.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise UsageError("the range has no instants", hint="Write 2026-10-01T06:00:00Z.") from None
    return Asked(outage, lower, upper, samples, after)
