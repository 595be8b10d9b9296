"""What a write of a poll came to."""

from dataclasses import dataclass, field

from processors.advance import Advance


@dataclass(frozen=True, slots=True)
class Written:
    """What a poll came to; counts are of samples (of messages, where one could not be read).

    `complete_up_to_moved`: whether any circuit is complete further than before.
    `aged`: older than the raw retention, in the ledger only.
    """

    accepted: int = 0
    duplicate: int = 0
    conflicting: int = 0
    late: int = 0
    rejected: int = 0
    pending: int = 0
    complete_up_to_moved: bool = False
    aged: int = 0
    advance: Advance | None = field(default=None, compare=False, repr=False)

    @property
    def touched_circuits(self) -> frozenset[str]:
        """Those whose answers may have changed, by samples or by being complete further.

        Worked out when asked: 20,000 names a poll that nobody but a new inventory needs.
        """
        return frozenset() if self.advance is None else self.advance.touched_circuits()
