"""Which circuits are to be judged after a write: those of which anything may have changed.

The spans of a circuit whose channels stay as they are only grow, and what that means for it is
known beforehand (`sla.calm`). So the Watch follows the cells themselves, as columns of all
channels: while they are as expected (good, or bad where an outage goes on), and no instant is
reached at which something else may change, a calm circuit needs no judging at all. Every other one
is judged in full, from what the store holds; the Watch never decides a verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linksla.clock import MICROSECONDS
from linksla.compiled import BOOLS, BOOLS_OWN, INT64S, INT64S_OWN, compiled
from linksla.model import EVIDENCE_BGP_NOT, EVIDENCE_BGP_UNKNOWN, LOSS_LADDER_PPM
from processors.advance import Advance
from processors.channels import Channels
from processors.extremes import greatest_by, least_by
from processors.observations import Bool, Int64, Observations
from processors.runs import LOSS_CLASS_UNKNOWN
from sla.calm import Awaits, Calm, calm
from sla.looks import Look
from sla.performance import rollup_seconds
from sla.runs import loss_class_max
from sla.steady import Turn
from sla.watched import WatchedObjectives

_NEVER_S: Final = -1
_FOREVER_S: Final = (1 << 63) - 1
_BGP_NOT: Final = int(EVIDENCE_BGP_NOT)
_BGP_UNKNOWN: Final = int(EVIDENCE_BGP_UNKNOWN)
_GOOD: Final = Turn(bad=False, from_s=0)
_NOTHING: Final = Awaits(0)
_PRESSING_PPM: Final = 100_000
"""Of a circuit whose contract nobody has looked at: so much loss may be the end of it."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a write left to do: circuits to be judged, and those that only went on."""

    judge: tuple[str, ...]
    went_on: tuple[str, ...]


class Watch:
    """Follows all circuits of a node; only the writer thread calls it.

    Every write must be noted, every full judgement shown to it. Arrays by circuit number (0: none)
    or by channel key.
    """

    def __init__(self) -> None:
        self._channels: Channels | None = None
        self._names: list[str] = [""]
        self._numbers: dict[str, int] = {}
        none, never = np.zeros(1, np.int64), np.full(1, _NEVER_S, np.int64)
        self._circuit_of = none
        self._named_by_number = np.array(self._names, np.object_)
        self._calm = self._touched = self._seen = self._troubled = np.zeros(1, np.bool_)
        self._grid_s = np.ones(1, np.int64)
        self._complete_before_s = self._live_before_s = self._lag_s = self._rest_s = none
        self._checked_s = never
        self._active = self._bad = np.zeros(1, np.bool_)
        self._turn_s = none  # a channel's cells before it are the other way round
        self._loss_class_max = self._loss_ppm_max = none
        self._folded_to_s = self._observed_at_us = never
        self._objectives = WatchedObjectives()

    def note(self, advance: Advance | None) -> None:
        """Take in what one write did; nothing is read and nobody is judged."""
        if advance is None:
            return
        if advance.channels is not self._channels:
            self._number(advance.channels)
        progress, runs = advance.progress, advance.runs
        stirred = advance.reworked | (advance.folded_from_s != self._folded_to_s)
        seconds = _as_expected(
            runs.track, runs.start_s, runs.end_s, runs.bgp, runs.loss_class,
            self._loss_class_max, self._bad, self._turn_s,
        )  # fmt: skip
        stirred |= self._active & (seconds != progress.folded_to_s - advance.folded_from_s)
        grid_us = advance.channels.grid_s * MICROSECONDS
        turn_us = -(-self._turn_s * MICROSECONDS // grid_us) * grid_us  # its first whole cell
        turned = np.zeros(len(stirred), np.bool_)
        for part in progress.tail:
            _stir(
                part.track, part.observed_at_us, part.bgp, part.loss_ppm,
                self._loss_ppm_max, self._bad, turn_us, turned,
            )  # fmt: skip
        self._calm[self._circuit_of[stirred]] = False
        if turned.any():
            self._turn(progress.tail, turned, turn_us, grid_us)
        if not self._seen[1:].all():
            self._note_trouble(progress.tail[-1:])
        self._touched[self._circuit_of[advance.touched]] = True
        self._objectives.written(advance.over, advance.over_to_s)
        self._folded_to_s = progress.folded_to_s
        self._observed_at_us = progress.observed_at_us_max

    def _turn(
        self, tail: Sequence[Observations], turned: Bool, turn_us: Int64, grid_us: Int64
    ) -> None:
        """Expect channels to stay bad that were good without a break, of circuits at rest.

        Nothing is told of those before `_rest_s` have passed, so a judgement at the onset would say
        nothing; whatever else came about is judged.
        """
        may = turned & ~self._bad & self._active & (self._rest_s[self._circuit_of] > 0)
        good_us, bad_us = np.full(len(may), _NEVER_S), np.full(len(may), _FOREVER_S)
        for part in tail if may.any() else ():
            _edges(
                part.track, part.observed_at_us, part.bgp, part.loss_ppm,
                self._loss_ppm_max, may, good_us, bad_us,
            )  # fmt: skip
        onset_us = bad_us // grid_us * grid_us
        may &= (good_us >= turn_us) & (good_us // grid_us * grid_us + grid_us == onset_us)
        self._calm[self._circuit_of[turned & ~may]] = False
        may &= self._calm[self._circuit_of]
        onset_s, of = onset_us[may] // MICROSECONDS, self._circuit_of[may]
        self._bad[may], self._turn_s[may] = True, onset_s
        np.minimum.at(self._live_before_s, of, onset_s + self._rest_s[of])

    def _note_trouble(self, newest: Iterable[Observations]) -> None:
        """Note whose newest samples say that a channel is down, or loses a tenth or more."""
        channels = len(self._active)
        troubled, good = np.zeros((2, channels), np.bool_)
        always, most = np.zeros(channels, np.int64), np.full(channels, _PRESSING_PPM)
        for part in newest:
            _stir(part.track, part.observed_at_us, part.bgp, part.loss_ppm, most, good, always,
                  troubled)  # fmt: skip
        self._troubled[self._circuit_of[troubled]] = True

    def due(self, cursor: duckdb.DuckDBPyConnection) -> Due:
        """Return what is to be judged of all that was touched since the last call."""
        touched, self._touched = self._touched, np.zeros(len(self._touched), np.bool_)
        touched[0] = False
        complete, live = self._horizons()
        going_on = touched & self._calm
        reached = (complete >= self._complete_before_s) | (live >= self._live_before_s)
        self._calm[going_on & (reached | (live - complete > self._lag_s))] = False
        stirred = self._objectives.changed(cursor, np.flatnonzero(touched & self._calm), complete)
        self._calm[stirred] = False
        going_on = touched & self._calm
        self._checked_s[going_on] = complete[going_on]
        return Due(self._named(touched & ~self._calm), self._named(going_on))

    def restless(self) -> tuple[str, ...]:
        """Return the circuits that are not calm: time alone may change something about them."""
        restless = ~self._calm
        restless[0] = False
        return self._named(restless)

    def pressing(self, circuit_ids: Iterable[str]) -> tuple[str, ...]:
        """Return those of circuits that may not wait until a node that starts has seen them all.

        Something of them has changed since they were looked at; or nobody has looked yet, and they
        are in trouble.
        """
        presses = self._seen | self._troubled
        presses[0] = False  # of it nothing has come
        return tuple([name for name in circuit_ids if presses[self._numbers.get(name, 0)]])

    def checked_up_to(self, circuit_ids: Iterable[str]) -> dict[str, int]:
        """Return up to which complete instant circuits are known to have gone on unchanged."""
        numbers = {name: self._numbers.get(name, 0) for name in circuit_ids}
        return {
            name: int(self._checked_s[number])
            for name, number in numbers.items()
            if self._checked_s[number] != _NEVER_S
        }

    def disturb(self, circuit_ids: Iterable[str]) -> None:
        """Forget that circuits are calm: what they are judged by has changed."""
        for name in circuit_ids:
            self._calm[self._numbers.get(name, 0)] = False

    def look(self, looks: Mapping[str, Look], restless: Mapping[str, Awaits]) -> None:
        """Take over what full judgements came to; `restless`: what alarms of circuits wait for."""
        for name, look in looks.items():
            number = self._numbers.get(name, 0)
            self._seen[number] = True
            found = None if number == 0 else calm(look, restless.get(name, _NOTHING))
            self._calm[number] = False
            if found is None:
                continue
            self._complete_before_s[number] = found.complete_before_s
            self._live_before_s[number] = found.live_before_s
            self._lag_s[number], self._rest_s[number] = found.lag_seconds_max, found.rest_seconds
            self._checked_s[number] = look.history.complete_up_to_s
            self._calm[number] = self._begin(number, look, found)

    def _begin(self, number: int, look: Look, found: Calm) -> bool:
        history = look.history
        contract = history.complete[-1].in_force.contract
        live = history.live.in_force.contract
        most = min(loss_class_max(contract), loss_class_max(live))
        grid = history.circuit.grid_seconds
        for channel in look.channels:
            key = channel.channel_key
            self._active[key] = (
                channel.active_from_s // grid * grid <= history.complete_up_to_s
                and (channel.active_to_s is None or channel.active_to_s > history.complete_up_to_s)
            )
            turn = found.channels.get(channel.channel, _GOOD)
            self._bad[key], self._turn_s[key] = turn.bad, turn.from_s
            self._loss_class_max[key] = most
            self._loss_ppm_max[key] = LOSS_LADDER_PPM[most]
        return self._objectives.begin(
            number,
            {channel.channel: channel.channel_key for channel in look.channels},
            () if found.is_over or found.is_down else contract.objectives,
            look.sums,
            rollup_seconds(history.circuit),
        )

    def _horizons(self) -> tuple[Int64, Int64]:
        """Return how far circuits are complete, and how far anything has arrived."""
        circuits = len(self._names)
        complete = least_by(self._circuit_of, self._folded_to_s, circuits, _FOREVER_S)
        newest = greatest_by(self._circuit_of, self._observed_at_us, circuits, -1)
        live = np.where(newest < 0, 0, (newest // MICROSECONDS // self._grid_s + 1) * self._grid_s)
        return complete, live

    def _named(self, circuits: Bool) -> tuple[str, ...]:
        return tuple(self._named_by_number[circuits].tolist())

    def _number(self, channels: Channels) -> None:
        """Number the circuits of a network; those that are known stay what they are."""
        self._channels = channels
        for name in channels.circuit_ids:
            if name and name not in self._numbers:
                self._numbers[name] = len(self._names)
                self._names.append(name)
        of = [self._numbers.get(name, 0) for name in channels.circuit_ids]
        self._circuit_of = np.array(of, np.int64)
        self._named_by_number = np.array(self._names, np.object_)
        more = len(self._names) - len(self._calm)
        for name in ("_calm", "_touched", "_seen", "_troubled"):
            setattr(self, name, np.pad(getattr(self, name), (0, more)))
        for name in ("_complete_before_s", "_live_before_s", "_lag_s", "_rest_s"):
            setattr(self, name, np.pad(getattr(self, name), (0, more)))
        self._checked_s = np.pad(self._checked_s, (0, more), constant_values=_NEVER_S)
        self._grid_s = np.ones(len(self._names), np.int64)
        self._grid_s[self._circuit_of] = channels.grid_s
        more = len(channels) - len(self._active)
        for name in ("_active", "_bad", "_turn_s", "_loss_class_max", "_loss_ppm_max"):
            setattr(self, name, np.pad(getattr(self, name), (0, more)))
        for name in ("_folded_to_s", "_observed_at_us"):
            values = np.pad(getattr(self, name), (0, more), constant_values=_NEVER_S)
            setattr(self, name, values)
        self._objectives.grow(self._circuit_of, len(self._names))


@compiled(
    INT64S, INT64S, INT64S, INT64S, INT64S, INT64S, BOOLS, INT64S, is_short=True
)  # fmt: skip
def _as_expected(
    track: Int64, start_s: Int64, end_s: Int64, bgp: Int64, loss_class: Int64,
    loss_class_max: Int64, bad: Bool, turn_s: Int64,
) -> Int64:  # fmt: skip
    """Return how many seconds of each track are known, and as expected: a run of each at a poll."""
    seconds = np.zeros(len(bad), np.int64)
    for row in range(len(track)):
        if bgp[row] != _BGP_UNKNOWN or loss_class[row] != LOSS_CLASS_UNKNOWN:
            at = track[row]
            before = min(max(turn_s[at] - start_s[row], 0), end_s[row] - start_s[row])
            is_bad = bgp[row] == _BGP_NOT or loss_class[row] > loss_class_max[at]
            seconds[at] += end_s[row] - start_s[row] - before if is_bad == bad[at] else before
    return seconds


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S, BOOLS, INT64S, BOOLS_OWN)
def _stir(
    track: Int64, observed_at_us: Int64, bgp: Int64, loss_ppm: Int64,
    loss_ppm_max: Int64, bad: Bool, turn_us: Int64, stirred: Bool,
) -> None:  # fmt: skip
    """Mark the tracks of observations that are not as expected: 3 million at 100,000 a second."""
    for row in range(len(track)):
        at = track[row]
        is_bad = bgp[row] == _BGP_NOT or loss_ppm[row] > loss_ppm_max[at]
        if is_bad == (bad[at] != (observed_at_us[row] >= turn_us[at])):
            stirred[at] = True


@compiled(INT64S, INT64S, INT64S, INT64S, INT64S, BOOLS, INT64S_OWN, INT64S_OWN)
def _edges(
    track: Int64, observed_at_us: Int64, bgp: Int64, loss_ppm: Int64,
    loss_ppm_max: Int64, wanted: Bool, good_us: Int64, bad_us: Int64,
) -> None:  # fmt: skip
    """Find the last good and the first bad observation of the wanted tracks."""
    for row in range(len(track)):
        at = track[row]
        if wanted[at]:
            if bgp[row] == _BGP_NOT or loss_ppm[row] > loss_ppm_max[at]:
                bad_us[at] = min(bad_us[at], observed_at_us[row])
            elif bgp[row] != _BGP_UNKNOWN or loss_ppm[row] >= 0:
                good_us[at] = max(good_us[at], observed_at_us[row])
