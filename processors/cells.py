"""Samples to cells to runs of equal evidence, without ever writing a cell down (DESIGN 6).

A cell's evidence comes from the samples that start in it; if none, from the latest earlier sample
whose [observed_at, observed_at + interval) holds the cell's midpoint; else it is unknown. Own cells
are few per sample; what is held between them is worked out gap by gap, as ranges of cells.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from linksla.clock import MICROSECONDS
from linksla.compiled import INT64, INT64_TABLE, INT64S, compiled
from linksla.inventory import DAY_SECONDS
from linksla.model import EVIDENCE_BGP_UNKNOWN, LOSS_LADDER_PPM
from processors.observations import LOSS_UNKNOWN, Bool, Int64, Observations
from processors.runs import LOSS_CLASS_UNKNOWN, Runs

_LADDER_PPM: Final = LOSS_LADDER_PPM[:-1]  # a mean above its last step is in the class of all


@dataclass(frozen=True, slots=True)
class Tracks:
    """What is folded, by track number: the grid, the range wanted and the active time, in seconds.

    `from_s` and `to_s` lie on the grid; the active time need not.
    """

    grid_s: Int64
    from_s: Int64
    to_s: Int64
    active_from_s: Int64
    active_to_s: Int64

    def take(self, rows: Int64) -> "Tracks":
        """Return the tracks at `rows`, numbered from 0."""
        return Tracks(
            self.grid_s[rows],
            self.from_s[rows],
            self.to_s[rows],
            self.active_from_s[rows],
            self.active_to_s[rows],
        )


def fold(observations: Observations, tracks: Tracks) -> Runs:
    """Return each track's runs of equal evidence in [from_s, to_s), cut at UTC midnight.

    `observations` are ordered by (track, observed_at) and hold all that start in the range and all
    earlier ones that can reach into it.
    """
    if len(observations) == 0:
        return Runs.none()
    return Runs(
        *_folded(
            observations.track,
            observations.observed_at_us,
            observations.interval_us,
            observations.bgp,
            observations.loss_ppm,
            tracks.grid_s,
            tracks.from_s,
            tracks.to_s,
            tracks.active_from_s,
            tracks.active_to_s,
        )
    )


def still_holding(observations: Observations, tracks: Tracks) -> Bool:
    """Return which of ordered observations matter to cells from `to_s` on.

    Those that start there, and of the earlier ones those that reach there further than every
    later one: with equal intervals at most one a track.
    """
    return _holding(
        observations.track,
        observations.observed_at_us,
        observations.interval_us,
        tracks.grid_s,
        tracks.to_s,
    )


def reach_cells(observed_at_us: Int64, interval_us: Int64, grid_us: Int64) -> Int64:
    """Return the greatest cell whose midpoint lies before observed_at + interval."""
    return (observed_at_us + interval_us - grid_us // 2 - 1) // grid_us


@compiled(INT64, INT64, INT64)
def _reach(observed_at_us: int, interval_us: int, grid_us: int) -> int:
    """Return what `reach_cells` does, of one observation."""
    return (observed_at_us + interval_us - grid_us // 2 - 1) // grid_us


@compiled(INT64, INT64)
def loss_class(sum_ppm: int, count: int) -> int:
    """Return the class of a mean loss: the smallest step ≥ it, LOSS_CLASS_UNKNOWN for count 0.

    Compared as sum against step × count, in integers, so that a mean on a step is on that step.
    """
    if count == 0:
        return LOSS_CLASS_UNKNOWN
    found = 0
    for step in _LADDER_PPM:
        if sum_ppm > step * count:
            found += 1
    return found


@compiled(INT64, INT64)
def _ends_beyond(cell: int, grid_us: int) -> int:
    """Return what observed_at + interval must lie beyond for `_reach` to be more than `cell`."""
    return (cell + 1) * grid_us + grid_us // 2


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S)
def _holding(
    track: Int64, observed_at_us: Int64, interval_us: Int64, grid_s: Int64, to_s: Int64
) -> Bool:
    holding = np.zeros(len(track), np.bool_)
    last, grid_us, end_us, needed_us = -1, 1, 0, 0
    for row in range(len(track) - 1, -1, -1):
        mine = track[row]
        if mine != last:
            last, grid_us, end_us = mine, grid_s[mine] * MICROSECONDS, to_s[mine] * MICROSECONDS
            needed_us = _ends_beyond(to_s[mine] // grid_s[mine] - 1, grid_us)
        if observed_at_us[row] >= end_us:
            holding[row] = True
        elif observed_at_us[row] + interval_us[row] > needed_us:
            reach = _reach(observed_at_us[row], interval_us[row], grid_us)
            holding[row], needed_us = True, _ends_beyond(reach, grid_us)
    return holding


@compiled(INT64_TABLE, INT64, INT64, INT64, INT64, INT64, INT64)
def _said(
    runs: Int64, count: int, track: int, start_s: int, end_s: int, bgp: int, loss: int
) -> int:
    """Write [start_s, end_s) behind `count` runs, cut at midnight; return how many there are then.

    What goes on with the run before it makes that one longer; what says nothing is left out.
    """
    if bgp == EVIDENCE_BGP_UNKNOWN and loss == LOSS_CLASS_UNKNOWN:
        return count
    while start_s < end_s:
        midnight_s = start_s // DAY_SECONDS * DAY_SECONDS
        stop_s = min(end_s, midnight_s + DAY_SECONDS)
        last = count - 1
        if (
            count
            and runs[2, last] == start_s
            and runs[0, last] == track
            and runs[3, last] == bgp
            and runs[4, last] == loss
            and start_s != midnight_s
        ):
            runs[2, last] = stop_s
        else:
            runs[0, count], runs[1, count], runs[2, count] = track, start_s, stop_s
            runs[3, count], runs[4, count] = bgp, loss
            count += 1
        start_s = stop_s
    return count


@compiled(INT64_TABLE, INT64, INT64)
def _with_room(runs: Int64, count: int, wanted: int) -> Int64:
    """Return the first `count` runs in a table that holds as many as wanted."""
    if wanted <= runs.shape[1]:
        return runs
    grown = np.empty((5, 2 * wanted), np.int64)
    grown[:, :count] = runs[:, :count]
    return grown


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S, INT64S, INT64S, INT64S, INT64S, INT64S)
def _folded(
    track: Int64,
    observed_at_us: Int64,
    interval_us: Int64,
    bgp: Int64,
    loss_ppm: Int64,
    grid_s: Int64,
    from_s: Int64,
    to_s: Int64,
    active_from_s: Int64,
    active_to_s: Int64,
) -> Int64:
    """Return runs as a table of five rows; go through the observations once, cell by cell.

    `stack` holds the rows of a track that may still hold a cell: the latest on top, each below it
    reaching further than all above. What reaches no further than what is covered is over for good.
    """
    runs = np.empty((5, 1024), np.int64)
    count = 0
    reach = np.empty(len(track), np.int64)
    stack = np.empty(len(track), np.int64)
    top, row, mine = 0, 0, -1
    grid, grid_us, from_cell, to_cell, begins, ends = 1, 1, 0, 0, 0, 0
    cell, end_us = 0, 0
    while row < len(track):
        # Nearly always the next cell: a division takes as long as all the rest of a row.
        is_next = track[row] == mine and observed_at_us[row] < end_us + grid_us
        if track[row] != mine:
            top, mine = 0, track[row]
            grid, grid_us = grid_s[mine], grid_s[mine] * MICROSECONDS
            from_cell, to_cell = from_s[mine] // grid, to_s[mine] // grid
            begins = max(from_cell, active_from_s[mine] // grid)
            ends = min(to_cell, -(-active_to_s[mine] // grid))
        cell = cell + 1 if is_next else observed_at_us[row] // grid_us
        begins_us, end_us = cell * grid_us, (cell + 1) * grid_us
        known, lost_ppm, state = 0, 0, EVIDENCE_BGP_UNKNOWN
        while row < len(track) and track[row] == mine and observed_at_us[row] < end_us:
            # The classes are ordered: any "not" wins over established, which wins over unknown.
            state = max(state, bgp[row])
            if loss_ppm[row] != LOSS_UNKNOWN:
                known, lost_ppm = known + 1, lost_ppm + loss_ppm[row]
            held_us = observed_at_us[row] - begins_us + interval_us[row] - grid_us // 2 - 1
            reach[row] = cell if 0 <= held_us < grid_us else cell + held_us // grid_us
            while top and reach[stack[top - 1]] <= reach[row]:
                top -= 1
            stack[top], top, row = row, top + 1, row + 1
        stop = to_cell
        if row < len(track) and track[row] == mine:
            follows = observed_at_us[row] < end_us + grid_us
            stop = min(stop, cell + 1 if follows else observed_at_us[row] // grid_us)
        days = (stop - cell) * grid // DAY_SECONDS if stop > cell + 1 else 0
        runs = _with_room(runs, count, count + top + days + 4)
        if begins <= cell < ends:
            loss = loss_class(lost_ppm, known)
            count = _said(runs, count, mine, cell * grid, (cell + 1) * grid, state, loss)
        covered = max(cell + 1, from_cell)  # the first cell that is not
        while covered < stop and top:
            holder = stack[top - 1]
            if reach[holder] < covered:
                top -= 1
                continue
            end = min(reach[holder] + 1, stop)
            first, last = max(covered, begins), min(end, ends)
            if first < last:
                measured = loss_ppm[holder] != LOSS_UNKNOWN
                loss = loss_class(loss_ppm[holder] if measured else 0, 1 if measured else 0)
                count = _said(runs, count, mine, first * grid, last * grid, bgp[holder], loss)
            covered = end
    return runs[:, :count].copy()
