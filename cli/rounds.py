"""Which circuits are judged next: those that press first, and so few that the writer hardly waits.

Judging a circuit takes 1 to 2 ms, the first time 20 and more, for all of its month is read: when
thousands change at once, or a node starts, writing would stop for minutes. In rounds of a tenth of
a second nobody notices.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

ROUND_SECONDS: Final = 0.1
CIRCUITS_FIRST: Final = 25
CIRCUITS_MIN: Final = 5
PATIENCE_ROUNDS: Final = 4
"""While some press, every fourth round is for those that wait."""
SHARE_MAX: Final = 0.5
SHARE_PATIENT_MAX: Final = 0.15
"""Of the writer's time, the second for what does not press, while samples come: to see 20,000
circuits for the first time is 400 s of work, and a page asked for beside it takes longer."""
SHARE_BEHIND_MAX: Final = 0.05
"""The same while old samples wait: what is judged then is old too, and samples come first."""
OLD_SECONDS: Final = 1.0
"""At 100,000 samples/s the queue is full behind each commit, and nothing is late: of a twentieth of
the time 1,000 circuits that go down at once would be judged after half a minute, not after 3 s."""


def judging_share(*, samples_wait: bool, age_seconds: float, may_wait: bool) -> float:
    """Return which share of the writer's time may be spent on judging.

    `age_seconds`: how long ago the broker got the newest sample that was written, by the broker's
    clock. Where that is slow, judging makes way whenever samples wait. `may_wait`: nobody presses,
    and samples come.
    """
    if samples_wait and age_seconds > OLD_SECONDS:
        return SHARE_BEHIND_MAX
    return SHARE_PATIENT_MAX if may_wait else SHARE_MAX


@dataclass(slots=True)
class _Line:
    """Circuits that wait, in the order they became due; what they take says how many fit."""

    due: dict[str, None] = field(default_factory=dict)
    size: int = CIRCUITS_FIRST

    def first(self) -> tuple[str, ...]:
        return tuple(islice(self.due, self.size))

    def took(self, circuits: int, seconds: float) -> None:
        fits = int(circuits * ROUND_SECONDS / max(seconds, 1e-6))
        self.size = max(min(fits, self.size * 2), CIRCUITS_MIN)


class Rounds:
    """Circuits that are due to be judged: in one line those that press, in another all others.

    A node that starts has to see every circuit, and knows nothing of most that anybody waits for.
    """

    def __init__(self, circuits: Iterable[str]) -> None:
        """Make circuits due that do not press."""
        # For the first time each takes 20 ms: 25 at once held a backlog up for half a second.
        self._patient = _Line(dict.fromkeys(sorted(circuits)), CIRCUITS_MIN)
        self._pressing = _Line()
        self._turn = 0

    def __len__(self) -> int:
        return len(self._pressing.due) + len(self._patient.due)

    @property
    def presses(self) -> bool:
        """Whether any circuit presses."""
        return bool(self._pressing.due)

    def touch(self, circuits: Iterable[str]) -> None:
        """Make circuits due; one that is due already keeps its place."""
        known = self._pressing.due.keys() | self._patient.due.keys()
        self._patient.due.update(dict.fromkeys(sorted(set(circuits) - known)))

    def press(self, circuits: Iterable[str]) -> None:
        """Make circuits due that may not wait for the others."""
        for circuit in sorted(set(circuits) - self._pressing.due.keys()):
            self._patient.due.pop(circuit, None)
            self._pressing.due[circuit] = None

    def next(self) -> tuple[str, ...]:
        """Return the circuits of the next round; they stay due until `judged`."""
        return self._line().first()

    def judged(self, circuits: tuple[str, ...], seconds: float) -> None:
        """Take out the round that was judged; what it took says how large the next one is."""
        if not circuits:
            return
        self._line().took(len(circuits), seconds)
        self._turn += 1
        for line in (self._pressing, self._patient):
            for circuit in circuits:
                line.due.pop(circuit, None)

    def _line(self) -> _Line:
        """Return whose turn it is."""
        others = self._turn % PATIENCE_ROUNDS == PATIENCE_ROUNDS - 1 and self._patient.due
        return self._patient if others or not self._pressing.due else self._pressing
