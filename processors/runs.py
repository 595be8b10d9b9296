"""Runs of equal evidence: ordered, cut at UTC midnight, merged, spliced."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from linksla.inventory import DAY_SECONDS
from processors.observations import Bool, Int64
from processors.sorting import sort_order

LOSS_CLASS_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Runs:
    """[start_s, end_s) of tracks with their evidence; all arrays of one length."""

    track: Int64
    start_s: Int64
    end_s: Int64
    bgp: Int64
    loss_class: Int64  # LOSS_CLASS_UNKNOWN: not measured

    @classmethod
    def none(cls) -> Self:
        """Return no runs."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty, empty, empty)

    @classmethod
    def together(cls, parts: Sequence["Runs"]) -> Self:
        """Put parts one after the other."""
        return cls(
            np.concatenate([part.track for part in parts]),
            np.concatenate([part.start_s for part in parts]),
            np.concatenate([part.end_s for part in parts]),
            np.concatenate([part.bgp for part in parts]),
            np.concatenate([part.loss_class for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.track)

    def take(self, rows: Bool | npt.NDArray[np.intp]) -> "Runs":
        """Return some of the runs, or all in another order."""
        return Runs(
            self.track[rows],
            self.start_s[rows],
            self.end_s[rows],
            self.bgp[rows],
            self.loss_class[rows],
        )

    def on(self, track: Int64) -> "Runs":
        """Return the same runs on other tracks."""
        return Runs(track, self.start_s, self.end_s, self.bgp, self.loss_class)

    def ordered(self) -> "Runs":
        """Return the runs by (track, start_s)."""
        return self.take(sort_order(self.track, self.start_s))

    def cut_at_midnight(self) -> "Runs":
        """Return the runs cut so that none crosses UTC midnight."""
        first_day = self.start_s // DAY_SECONDS
        days = np.maximum((self.end_s - 1) // DAY_SECONDS - first_day + 1, 1)
        if bool((days == 1).all()):
            return self
        rows = np.repeat(np.arange(len(self)), days)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(days) - days, days)
        midnight = (first_day[rows] + nth) * DAY_SECONDS
        whole = self.take(rows)
        return Runs(
            whole.track,
            np.maximum(whole.start_s, midnight),
            np.minimum(whole.end_s, midnight + DAY_SECONDS),
            whole.bgp,
            whole.loss_class,
        )

    def merged(self) -> "Runs":
        """Return ordered runs with neighbours of equal evidence and one UTC day made one."""
        if len(self) == 0:
            return self
        begins = np.ones(len(self), np.bool_)
        begins[1:] = (
            (self.track[1:] != self.track[:-1])
            | (self.start_s[1:] != self.end_s[:-1])
            | (self.bgp[1:] != self.bgp[:-1])
            | (self.loss_class[1:] != self.loss_class[:-1])
            | (self.start_s[1:] % DAY_SECONDS == 0)
        )
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(self)) - 1
        return Runs(
            self.track[starts],
            self.start_s[starts],
            self.end_s[ends],
            self.bgp[starts],
            self.loss_class[starts],
        )

    def without(self, lo_s: Int64, hi_s: Int64) -> "Runs":
        """Return the runs with [lo_s, hi_s), one range for each run, taken out of them."""
        left = Runs(
            self.track, self.start_s, np.minimum(self.end_s, lo_s), self.bgp, self.loss_class
        )
        right = Runs(
            self.track, np.maximum(self.start_s, hi_s), self.end_s, self.bgp, self.loss_class
        )
        both = Runs.together([left, right])
        return both.take(both.start_s < both.end_s)
