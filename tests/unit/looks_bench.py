"""What one judging of a circuit of two channels came to, as a test writes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sla.answers import Bucket, ChannelRun, CircuitSummary, MonthAnswer
from sla.contracts import Contract
from sla.history import CircuitHistory, History
from sla.judged import JudgedRun
from sla.looks import Look
from sla.maintenance import MaintenanceWindow
from sla.telemetry import ChannelRow
from tests.unit.past_bench import JUNE, MIDDLE, ONE, Past

NOW = MIDDLE  # of June: complete up to here
LIVE = NOW + 30
BEGAN = JUNE - 86_400
GRID, DECISIVE = 10, 30  # three cells in a row
_KINDS = {
    "U": (Bucket.UP, False), "D": (Bucket.DOWN, True), "M": (Bucket.UNMEASURED, False),
    "b": (Bucket.UP, True),  # bad, and not for long enough to be down
    "g": (Bucket.DOWN, False),  # good, and not for long enough to be up
    "E": (Bucket.EXCLUDED, True),
}  # fmt: skip


def ending(text: str, end_s: int, begins: int = BEGAN) -> tuple[JudgedRun, ...]:
    """Return runs that end at an instant, up before them: `D300 g20`."""
    words = [(word[0], int(word[1:])) for word in text.split()]
    at = end_s - sum(seconds for _, seconds in words)
    found = [JudgedRun(begins, at, Bucket.UP, Bucket.UP, bad=False)] if begins < at else []
    for kind, seconds in words:
        bucket, bad = _KINDS[kind]
        found.append(JudgedRun(at, at + seconds, bucket, bucket, bad))
        at += seconds
    return tuple(found)


def lane(channel: str, state: str = "good", start: int = BEGAN, end: int = LIVE) -> ChannelRun:
    """Return the newest run of a channel."""
    return ChannelRun(channel, start, end, state)


@dataclass(frozen=True)
class Present:
    """How a circuit stands: what is complete, what is live, and its channels."""

    text: str = "U30"  # up to NOW
    ahead: str = "U30"  # after it
    good: str | None = None  # every unknown cell taken as good, as bad
    bad: str | None = None
    live: str | None = None  # all that is live, where it is another past
    live_s: int = LIVE
    lanes: Sequence[ChannelRun] = field(default_factory=lambda: (lane("a"), lane("b")))
    channels: Sequence[ChannelRow] = (
        ChannelRow("C", "a", 1, BEGAN, None), ChannelRow("C", "b", 2, BEGAN, None),
    )  # fmt: skip
    contract: Contract = ONE
    state: str = "up"
    windows: Sequence[MaintenanceWindow] = ()
    close_after: int = 0
    circuit: dict[str, object] = field(default_factory=dict)

    def look(self) -> Look:
        """Return the look at it."""
        past = self._past()
        history = past.history()
        part = history.complete[-1]
        complete = replace(
            part,
            runs=ending(self.text, NOW),
            unknown_good=ending(self.text if self.good is None else self.good, NOW),
            unknown_bad=ending(self.text if self.bad is None else self.bad, NOW),
        )
        live = self._live(complete)
        return Look(
            CircuitHistory(history.circuit, NOW, self.live_s, (complete,), live),
            tuple(self.channels),
            self.windows,
            (part.in_force,),
            self._answers(past),
            None,
            self.close_after,
            self._summary(),
            self.lanes,
        )

    def _past(self) -> Past:
        return Past(versions=(self.contract,), begins=BEGAN, complete=NOW, circuit=self.circuit)

    def _live(self, complete: History) -> History:
        text = f"{self.text} {self.ahead}" if self.live is None else self.live
        return replace(
            complete, end_s=self.live_s, runs=ending(text, self.live_s),
            unknown_good=(), unknown_bad=(),
        )  # fmt: skip

    def _answers(self, past: Past) -> tuple[MonthAnswer, ...]:
        return (past.month(close_after=self.close_after),)

    def _summary(self) -> CircuitSummary:
        return CircuitSummary(
            "C", "acme", "Acme", "S", "r", 1_000, self.state, BEGAN, 2, 2, 1, NOW, self.live_s, None
        )
