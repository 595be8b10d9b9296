"""What is past of circuits, and need not be read or judged again at every poll."""

from dataclasses import dataclass, field

from sla.final_months import FinalMonths
from sla.remembered_ledger import RememberedLedger
from sla.remembered_spans import RememberedSpans


@dataclass(frozen=True, slots=True)
class Past:
    """What an evaluator remembers from one judging to the next; only the writer thread uses it."""

    months: FinalMonths = field(default_factory=FinalMonths)
    spans: RememberedSpans = field(default_factory=RememberedSpans)
    ledger: RememberedLedger = field(default_factory=RememberedLedger)
