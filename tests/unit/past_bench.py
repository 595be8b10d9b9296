"""A circuit's past as a test writes it, up where nothing is said, and the month that follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from linksla.clock import parse_instant
from linksla.inventory import Channel, Circuit
from linksla.inventory import Ownership as Owner
from sla.answers import Bucket, MonthAnswer, ObjectiveAnswer
from sla.attributions import Act, Attribution, AttributionWord, Reclassification
from sla.contracts import AvailabilityTerms, Contract, ContractInForce
from sla.exclusions import Decision, Excluded
from sla.history import FAR_AHEAD_S, CircuitHistory, History
from sla.judged import JudgedRun
from sla.months import month_answer, periods_of
from sla.ownership import owned
from sla.periods import Ownership, Period, Version
from sla.scope import AllCustomers

JUNE, JULY = parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-07-01T00:00:00Z")
HOUR, DAY = 3_600, 86_400
MIDDLE = JUNE + 15 * DAY
DOWN, DARK, OUT = Bucket.DOWN, Bucket.UNMEASURED, Bucket.EXCLUDED
ONE = Contract(
    id="c", version=1, title="T", source="here", timezone="UTC",
    availability=AvailabilityTerms(
        target_percent=Fraction("99.9"), up_at_least=1, consecutive=3
    ),
)  # fmt: skip


@dataclass
class Past:
    """What a circuit went through: [start, end) and bucket; up everywhere else."""

    lost: Sequence[tuple[int, int, Bucket]] = ()
    versions: tuple[Contract, ...] = (ONE,)
    begins: int = JUNE - 30 * DAY
    complete: int = JULY + 10 * DAY
    circuit: dict[str, object] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    said: tuple[Reclassification, ...] = ()

    def history(self) -> CircuitHistory:
        """Return it as a historian would."""
        known = {
            "id": "C", "owners": (Owner(customer="acme"),), "contract": "c", "site": "S",
            "region": "r", "bandwidth_mbps": 1000, "grid_seconds": 10, "active_from": self.begins,
            "channels": (Channel(name="a"),),
        }  # fmt: skip
        circuit = Circuit(**(known | self.circuit))
        ends = FAR_AHEAD_S if circuit.active_to is None else circuit.active_to
        starts = [self.begins, *(one.valid_from or 0 for one in self.versions[1:])]
        in_force = [
            ContractInForce(contract, lower, min(upper, ends))
            for contract, lower, upper in zip(
                self.versions, starts, [*starts[1:], FAR_AHEAD_S], strict=True
            )
        ]
        parts = tuple(self._part(circuit, one) for one in in_force if one.start_s < self.complete)
        return CircuitHistory(circuit, self.complete, self.complete, parts, parts[-1])

    def _part(self, circuit: Circuit, version: ContractInForce) -> History:
        end_s = min(self.complete, version.end_s)
        runs = tuple(self._runs(end_s))
        good, bad = (
            tuple(replace(run, bucket=other) if run.bucket is DARK else run for run in runs)
            for other in (Bucket.UP, DOWN)
        )
        return History(
            circuit, version, self.begins, end_s, runs, good, bad, self.excluded,
            self.decisions, self.said,
        )  # fmt: skip

    def _runs(self, end_s: int) -> list[JudgedRun]:
        found, at = [], self.begins
        for lower, upper, bucket in [*sorted(self.lost), (end_s, end_s, Bucket.UP)]:
            lower, upper = min(lower, end_s), min(upper, end_s)
            if at < lower:
                found.append(JudgedRun(at, lower, Bucket.UP, Bucket.UP, bad=False))
            if lower < upper:
                was = DOWN if bucket is OUT else bucket
                found.append(JudgedRun(lower, upper, bucket, was, bad=was is DOWN))
            at = max(at, upper)
        return found

    def periods(
        self, month: str = "2026-06", owns: Sequence[Ownership] | None = None
    ) -> tuple[Period, ...]:
        """Return the judged segments of a month."""
        history = self.history()
        whole = owned(history.circuit, AllCustomers(commercial=True))
        return periods_of(history, whole if owns is None else owns, month)

    def month(
        self,
        month: str = "2026-06",
        owns: Sequence[Ownership] | None = None,
        objectives: Sequence[Sequence[ObjectiveAnswer]] | None = None,
        close_after: int = 0,
    ) -> MonthAnswer:
        """Return the answer about a month, or about an owner's part of it."""
        history, periods = self.history(), self.periods(month, owns)
        more = [()] * len(periods) if objectives is None else objectives
        return month_answer(history, periods, more, Version(1), close_after)


_BUCKETS = {
    "U": (Bucket.UP, Bucket.UP), "D": (Bucket.DOWN, Bucket.DOWN),
    "E": (Bucket.EXCLUDED, Bucket.DOWN), "M": (Bucket.UNMEASURED, Bucket.UNMEASURED),
    "A": (Bucket.UNMEASURED, Bucket.DOWN),  # down, and attributed to the measurement
}  # fmt: skip


def runs_of(text: str) -> tuple[JudgedRun, ...]:
    """Return runs as they are written: `U10 D5`, up, then down."""
    found, at = [], 0
    for word in text.split():
        bucket, was = _BUCKETS[word[0]]
        found.append(JudgedRun(at, at + int(word[1:]), bucket, was, was is Bucket.DOWN))
        at += int(word[1:])
    return tuple(found)


def letters(many: tuple[JudgedRun, ...]) -> str:
    """Return how runs would be written, each as it is: nothing joined."""
    names = {(bucket, was): name for name, (bucket, was) in _BUCKETS.items()}
    return " ".join(
        f"{names[run.bucket, run.as_experienced]}{run.end_s - run.start_s}" for run in many
    )


def word_about(
    name: str = "p",
    attribution: Attribution = Attribution.CUSTOMER,
    start: int = 10,
    end: int = 20,
    standing: Act = Act.PROPOSED,
    at: int = 0,
    who: str = "noc",
) -> Reclassification:
    """Return what somebody said about an outage of circuit C, and what became of it."""
    proposal = AttributionWord(
        name, Act.PROPOSED, who, at, "why", "C", "outage", start, end, attribution
    )
    if standing is Act.PROPOSED:
        return Reclassification(proposal, standing, None)
    return Reclassification(
        proposal, standing, AttributionWord(name, standing, "boss", at + 1, "so")
    )
