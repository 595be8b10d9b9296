"""What one full judging of a circuit came to, for whoever asks when it must be judged again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sla.answers import ChannelRun, CircuitSummary, MonthAnswer, Outcome
from sla.contracts import ContractInForce
from sla.history import CircuitHistory
from sla.maintenance import MaintenanceWindow
from sla.measures import Observed
from sla.telemetry import ChannelRow


@dataclass(frozen=True, slots=True)
class Sums:
    """What was observed of the open month's last segment, and where the next step begins."""

    observed: tuple[Observed, ...]
    outcomes: tuple[Outcome, ...]  # of the contract's objectives, in its order
    next_s: int


@dataclass(frozen=True, slots=True)
class Look:
    """All that one full judging of a circuit came to."""

    history: CircuitHistory
    channels: tuple[ChannelRow, ...]
    windows: Sequence[MaintenanceWindow]
    versions: Sequence[ContractInForce]
    answers: Sequence[MonthAnswer]
    sums: Sums | None  # None: the contract in force has no such objectives, or nothing is known
    close_after_seconds: int
    summary: CircuitSummary
    lanes: Sequence[ChannelRun] = ()  # of each active channel, the newest run that is known
