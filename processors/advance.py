"""What one write did to cells and steps, for whoever judges only what changed."""

from dataclasses import dataclass

import numpy as np

from processors.channels import Channels
from processors.observations import Bool, Int64
from processors.open_steps import ends_of_steps_s
from processors.progress import Progress
from processors.rollups import Rollups
from processors.runs import Runs


@dataclass(frozen=True, slots=True)
class Advance:
    """Arrays by channel_key; nobody writes to them any more.

    `runs` are the cells folded forward, [folded_from_s, progress.folded_to_s) of each channel;
    what no run covers is unknown. `reworked`: cells before folded_from_s were computed again.
    `noted`: something of the channel was counted in the ledger. `touched`: its circuit is touched.
    `over` are the rollup steps that were written: of those up to `over_to_s`, which were over
    before, what came late; and all that are over since.
    """

    channels: Channels
    folded_from_s: Int64
    progress: Progress
    runs: Runs
    reworked: Bool
    noted: Bool
    touched: Bool
    over: tuple[Rollups, ...]

    @property
    def over_to_s(self) -> Int64:
        """Up to where steps were over before this write."""
        return ends_of_steps_s(self.folded_from_s, self.channels.grid_s)

    def touched_circuits(self) -> frozenset[str]:
        """Return the circuits of the channels that are touched."""
        keys = np.flatnonzero(self.touched).tolist()
        return frozenset(self.channels.circuit_ids[key] for key in keys)
