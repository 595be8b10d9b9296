"""Samples to cells to runs of equal evidence, without ever writing a cell down (DESIGN 6).

A cell's evidence comes from the samples that start in it; if none, from the latest earlier sample
whose [observed_at, observed_at + interval) holds the cell's midpoint; else it is unknown. Own cells
are few per sample; what is held between them is worked out gap by gap, as ranges of cells.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from linksla.clock import MICROSECONDS
from linksla.model import EVIDENCE_BGP_UNKNOWN, LOSS_LADDER_PPM
from processors.observations import LOSS_UNKNOWN, Bool, Int64, Observations
from processors.runs import LOSS_CLASS_UNKNOWN, Runs

_APART: Final = 1 << 34
"""More than any cell's number (1 s cells reach 2**32 in the year 2106): keeps tracks apart."""


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


@dataclass(frozen=True, slots=True)
class _Placed:
    """Ordered observations with where they lie: their cell, and the last cell they hold."""

    track: Int64
    cell: Int64
    reach: Int64
    bgp: Int64
    loss_ppm: Int64


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Ranges of cells, [first, last] both inclusive, with their evidence."""

    track: Int64
    first: Int64
    last: Int64
    bgp: Int64
    loss_class: Int64


def loss_classes(sum_ppm: Int64, count: Int64) -> Int64:
    """Return the class of a mean loss: the smallest step ≥ it, LOSS_CLASS_UNKNOWN for count 0.

    Compared as sum against step × count, in integers, so that a mean on a step is on that step.
    """
    classes = np.zeros(len(sum_ppm), np.int64)
    for step in LOSS_LADDER_PPM[:-1]:
        classes += sum_ppm > step * count
    return np.where(count == 0, LOSS_CLASS_UNKNOWN, classes)


def reach_cells(observed_at_us: Int64, interval_us: Int64, grid_us: Int64) -> Int64:
    """Return the greatest cell whose midpoint lies before observed_at + interval."""
    return (observed_at_us + interval_us - grid_us // 2 - 1) // grid_us


def fold(observations: Observations, tracks: Tracks) -> Runs:
    """Return each track's runs of equal evidence in [from_s, to_s), cut at UTC midnight.

    `observations` are ordered by (track, observed_at) and hold all that start in the range and all
    earlier ones that can reach into it.
    """
    if len(observations) == 0:
        return Runs.none()
    grid_us = tracks.grid_s[observations.track] * MICROSECONDS
    placed = _Placed(
        observations.track,
        observations.observed_at_us // grid_us,
        reach_cells(observations.observed_at_us, observations.interval_us, grid_us),
        observations.bgp,
        observations.loss_ppm,
    )
    starts = np.flatnonzero(_changes(placed.track, placed.cell))
    own = _own(placed, starts)
    held = _held(placed, starts, own, tracks)
    inside = (own.first >= tracks.from_s[own.track] // tracks.grid_s[own.track]) & (
        own.first < tracks.to_s[own.track] // tracks.grid_s[own.track]
    )
    parts = [_runs(own, tracks).take(inside)]
    if held:
        parts += [_runs(piece, tracks).cut_at_midnight() for piece in held]
        everything = Runs.together(parts).ordered()
    else:
        everything = parts[0]
    said = (everything.bgp != EVIDENCE_BGP_UNKNOWN) | (everything.loss_class != LOSS_CLASS_UNKNOWN)
    return everything.take(said & (everything.start_s < everything.end_s)).merged()


def still_holding(observations: Observations, tracks: Tracks) -> Bool:
    """Return which of ordered observations matter to cells from `to_s` on.

    Those that start there, and of the earlier ones those that reach there further than every
    later one: with equal intervals at most one a track.
    """
    to_s = tracks.to_s[observations.track]
    ahead = observations.observed_at_us >= to_s * MICROSECONDS
    grid_s = tracks.grid_s[observations.track]
    reach = reach_cells(
        observations.observed_at_us, observations.interval_us, grid_s * MICROSECONDS
    )
    rows = np.flatnonzero(~ahead & (reach >= to_s // grid_s))
    if len(rows):
        track, reach = observations.track[rows], reach[rows]
        offset = (int(track.max()) - track) * _APART
        furthest = np.maximum.accumulate((reach + offset)[::-1])[::-1]
        beaten = np.zeros(len(rows), np.bool_)
        beaten[:-1] = (furthest[1:] >= (reach + offset)[:-1]) & (track[1:] == track[:-1])
        ahead[rows[~beaten]] = True
    return ahead


def _changes(track: Int64, cell: Int64) -> Bool:
    changes = np.ones(len(track), np.bool_)
    changes[1:] = (track[1:] != track[:-1]) | (cell[1:] != cell[:-1])
    return changes


def _own(placed: _Placed, starts: npt.NDArray[np.intp]) -> _Pieces:
    """Return the evidence of the cells that samples start in."""
    cell = placed.cell[starts]
    if len(starts) == len(placed.track):  # one sample a cell, the usual case
        bgp, classes = placed.bgp, _single_class(placed.loss_ppm)
    else:
        measured = placed.loss_ppm != LOSS_UNKNOWN
        count = np.add.reduceat(measured.astype(np.int64), starts)
        total = np.add.reduceat(np.where(measured, placed.loss_ppm, 0), starts)
        # The classes are ordered: any "not" wins over established, which wins over unknown.
        bgp, classes = np.maximum.reduceat(placed.bgp, starts), loss_classes(total, count)
    return _Pieces(placed.track[starts], cell, cell, bgp, classes)


def _single_class(loss_ppm: Int64) -> Int64:
    return loss_classes(loss_ppm, (loss_ppm != LOSS_UNKNOWN).astype(np.int64))


def _held(
    placed: _Placed, starts: npt.NDArray[np.intp], own: _Pieces, tracks: Tracks
) -> list[_Pieces]:
    """Return what earlier samples hold in the gaps after each own cell.

    The last sample before a gap holds it up to its reach; from there on the latest earlier one
    that reaches further, and so on. With equal intervals there is no "and so on".
    """
    grid_s = tracks.grid_s[own.track]
    stop = tracks.to_s[own.track] // grid_s - 1
    follows = np.zeros(len(starts), np.bool_)
    follows[:-1] = own.track[1:] == own.track[:-1]
    stop[:-1] = np.where(follows[:-1], np.minimum(stop[:-1], own.first[1:] - 1), stop[:-1])
    covered = np.maximum(own.first, tracks.from_s[own.track] // grid_s - 1)
    holder = np.append(starts[1:], len(placed.track)) - 1
    offset = placed.track * _APART
    furthest = np.maximum.accumulate(placed.reach + offset) - offset
    gaps = np.flatnonzero((covered < stop) & (furthest[holder] > covered))
    covered, stop, holder = covered[gaps], stop[gaps], holder[gaps]
    pieces: list[_Pieces] = []
    earlier: npt.NDArray[np.intp] | None = None
    while len(covered):
        last = np.minimum(placed.reach[holder], stop)
        rows = last > covered
        who = holder[rows]
        if len(who):
            classes = _single_class(placed.loss_ppm[who])
            pieces.append(
                _Pieces(placed.track[who], covered[rows] + 1, last[rows], placed.bgp[who], classes)
            )
        covered = np.maximum(covered, last)
        more = (covered < stop) & (furthest[holder] > placed.reach[holder])
        covered, stop, holder = covered[more], stop[more], holder[more]
        if len(covered):
            earlier = _reaching_further(placed) if earlier is None else earlier
            holder = earlier[holder]
    return pieces


def _reaching_further(placed: _Placed) -> npt.NDArray[np.intp]:
    """Return for each observation the latest earlier one of its track with a greater reach, or -1.

    Pointer jumping: between a row and its pointer nothing reaches further, so a pointer may always
    jump to where its target points.
    """
    pointer = np.arange(len(placed.track), dtype=np.intp) - 1
    pointer[1:][placed.track[1:] != placed.track[:-1]] = -1
    todo = np.flatnonzero(pointer >= 0)
    while len(todo):
        short = placed.reach[pointer[todo]] <= placed.reach[todo]
        todo = todo[short]
        pointer[todo] = pointer[pointer[todo]]
        todo = todo[pointer[todo] >= 0]
    return pointer


def _runs(pieces: _Pieces, tracks: Tracks) -> Runs:
    """Return ranges of cells as ranges of seconds, clipped to the cells of the active time."""
    grid = tracks.grid_s[pieces.track]
    first = np.maximum(pieces.first, tracks.active_from_s[pieces.track] // grid)
    end = np.minimum(pieces.last + 1, -(-tracks.active_to_s[pieces.track] // grid))
    return Runs(pieces.track, first * grid, end * grid, pieces.bgp, pieces.loss_class)
