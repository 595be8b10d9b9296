"""Which circuits are judged next: the longest due first, so few that the writer hardly waits.

Judging a circuit in full takes 1 to 2 ms: when thousands change at once, or a node starts, writing
would stop for seconds. In rounds of a tenth of a second nobody notices.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

ROUND_SECONDS: Final = 0.1
CIRCUITS_FIRST: Final = 25
CIRCUITS_MIN: Final = 5
SHARE_MAX: Final = 0.5
SHARE_BEHIND_MAX: Final = 0.05
"""Of the writer's time, the second while samples wait that are old: what is judged then is old too,
and samples come first."""
OLD_SECONDS: Final = 1.0
"""At 100,000 samples/s the queue is full behind each commit, and nothing is late: of a twentieth of
the time 1,000 circuits that go down at once would be judged after half a minute, not after 3 s."""


def judging_share(*, samples_wait: bool, age_seconds: float) -> float:
    """Return which share of the writer's time may be spent on judging.

    `age_seconds`: how long ago the broker got the newest sample that was written, by the broker's
    clock. Where that is slow, judging makes way whenever samples wait.
    """
    return SHARE_BEHIND_MAX if samples_wait and age_seconds > OLD_SECONDS else SHARE_MAX


class Rounds:
    """Circuits that are due to be judged, in the order they became due."""

    def __init__(self, circuits: Iterable[str]) -> None:
        self._due: dict[str, None] = dict.fromkeys(sorted(circuits))
        self._size = CIRCUITS_FIRST

    def __len__(self) -> int:
        return len(self._due)

    def touch(self, circuits: Iterable[str]) -> None:
        """Make circuits due; one that is due already keeps its place."""
        for circuit in sorted(circuits):
            self._due.setdefault(circuit)

    def next(self) -> tuple[str, ...]:
        """Return the circuits of the next round; they stay due until `judged`."""
        return tuple(islice(self._due, self._size))

    def judged(self, circuits: tuple[str, ...], seconds: float) -> None:
        """Take out what was judged; what it took says how large the next round is."""
        for circuit in circuits:
            self._due.pop(circuit, None)
        if circuits:
            fits = int(len(circuits) * ROUND_SECONDS / max(seconds, 1e-6))
            self._size = max(min(fits, self._size * 2), CIRCUITS_MIN)
