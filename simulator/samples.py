"""A world's samples as Arrow tables in the wire schema, vectorised, any piece alone.

What is random about a channel comes from a generator seeded by (world seed, circuit, channel,
interval, slice), a slice being 1,440 sampling instants: so any range can be made by itself, and a
circuit alone is the same as in its world. Values are whole µs, ppm and bit/s.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linksla.model import BGP_ESTABLISHED, BGP_STATES, BGP_UNKNOWN
from linksla.wire import WIRE_SCHEMA
from simulator.counts import dropped_by_skew
from simulator.faults import (
    PPM,
    Blindness,
    ClockSkew,
    Duplicates,
    Impairment,
    LateBurst,
    Reordering,
    Silence,
)
from simulator.world import SimulatedChannel, SimulatedCircuit, World

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Values = npt.NDArray[np.generic]

SLICE_SLOTS: Final = 1440  # a day of one-minute samples
_DAY: Final = 86_400
_LOSSY_SHARE: Final = 0.0003  # healthy samples that lose a packet or two
_BGP_NUMBER: Final = {name: number for number, name in enumerate(BGP_STATES)}


@dataclass(frozen=True, slots=True)
class Measurements:
    """One channel's samples of a range, one entry per sampling instant; NaN is null.

    `slot_s` is when it was measured, `observed_at_s` what the probe's clock said; `sent` is False
    where there is no sample, `held` True where it arrives much later.
    """

    slot_s: Integers
    observed_at_s: Integers
    latency_us: Floats
    jitter_us: Floats
    loss_ppm: Floats
    rx_bps: Floats
    tx_bps: Floats
    bgp: Integers
    transitions: Integers
    sent: Booleans
    held: Booleans
    delay_us: Integers


@lru_cache(maxsize=256)
def _chance(seed: int, circuit_id: str, channel: str, interval_s: int, index: int) -> Floats:
    """Return six rows of randomness for one slice: 2 exponential, 4 uniform."""
    key = [seed, crc32(circuit_id.encode()), crc32(channel.encode()), interval_s, index]
    generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))
    rows = np.empty((6, SLICE_SLOTS))
    generator.standard_exponential(out=rows[:2])
    generator.random(out=rows[2:])
    return rows


def _chances(
    world: World, circuit_id: str, channel: str, interval_s: int, first: int, last: int
) -> Floats:
    """Return randomness for the sampling instants `first` to `last` (numbers, end exclusive)."""
    parts = []
    for index in range(first // SLICE_SLOTS, -(-last // SLICE_SLOTS)):
        rows = _chance(world.seed, circuit_id, channel, interval_s, index)
        start = index * SLICE_SLOTS
        parts.append(rows[:, max(first - start, 0) : min(last - start, SLICE_SLOTS)])
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def measure(
    world: World, circuit: SimulatedCircuit, channel: SimulatedChannel, start_s: int, end_s: int
) -> Measurements:
    """Return a channel's samples measured in [start_s, end_s), of one sampling interval."""
    interval = world.interval_at(start_s)
    first, last = -(-start_s // interval), -(-end_s // interval)
    slot = np.arange(first, last, dtype=np.int64) * interval
    chance = _chances(world, circuit.id, channel.name, interval, first, last)
    demand = channel.utilisation * _rhythm(circuit, slot) * (0.85 + 0.3 * chance[2])
    share_bps = circuit.bandwidth_mbps * 1e6 / len(circuit.channels)
    queue = channel.jitter_us * (chance[0] + 2 * demand**4)
    active_from, active_to = circuit.active(channel, end_s)
    made = Measurements(
        slot_s=slot,
        observed_at_s=slot.copy(),
        latency_us=np.rint(channel.latency_us + queue),
        jitter_us=np.rint(channel.jitter_us * (0.6 + 0.4 * chance[1])),
        loss_ppm=np.where(chance[3] < _LOSSY_SHARE, 500.0, 0.0),
        rx_bps=np.rint(share_bps * demand),
        tx_bps=np.rint(share_bps * demand * (0.35 + 0.1 * chance[4])),
        bgp=np.full(len(slot), BGP_ESTABLISHED),
        transitions=_transitions(world, circuit.id, channel.name, slot),
        sent=(slot >= active_from) & (slot < active_to),
        held=np.zeros(len(slot), np.bool_),
        delay_us=np.zeros(len(slot), np.int64),
    )
    _inject(world, circuit.id, channel.name, made, chance)
    return made


def _rhythm(circuit: SimulatedCircuit, slot: Integers) -> Floats:
    """Return the demand of a working day, 0.2 at night to 1 in the afternoon; 0.4 at weekends."""
    local = slot + round(circuit.utc_offset_hours * 3600)
    of_day = (local % _DAY) / _DAY
    weekday = (local // _DAY + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    wave = 0.6 - 0.4 * np.cos(2 * np.pi * (of_day - 2 / 24))
    return np.where(weekday < 5, wave, 0.4 * wave)


def _transitions(world: World, circuit_id: str, channel: str, slot: Integers) -> Integers:
    """Return how often BGP has become established since the session was made, at each instant."""
    ends = sorted(
        injection.end_s
        for injection in world.injected(circuit_id, channel)
        if isinstance(injection, Impairment) and injection.bgp_state not in ("ESTABLISHED",)
    )
    return 1 + np.searchsorted(np.array(ends, np.int64), slot, side="right").astype(np.int64)


def _inject(
    world: World, circuit_id: str, channel: str, made: Measurements, chance: Floats
) -> None:
    """Change a channel's samples by what happens to it, in place."""
    if not len(made.slot_s):
        return
    low, high = int(made.slot_s[0]), int(made.slot_s[-1])
    blind = np.zeros(len(made.slot_s), np.bool_)
    for injection in world.injected(circuit_id, channel):
        if injection.start_s > high + _DAY or injection.end_s < low - _DAY:
            continue
        where = (made.slot_s >= injection.start_s) & (made.slot_s < injection.end_s)
        match injection:
            case Impairment():
                _impair(made, where, injection, chance)
            case Silence():
                made.sent[where] = False
            case Blindness():
                blind |= where
            case ClockSkew(skew_seconds=skew):
                made.observed_at_s[where] += skew
                a, b = dropped_by_skew(world, injection)
                made.sent[(made.slot_s >= a) & (made.slot_s < b)] = False
            case LateBurst():
                made.held[where] = True
            case Reordering(by_seconds=by):
                made.delay_us[where] = (chance[5][where] * by * 1e6).astype(np.int64)
            case _:
                pass
    if blind.any():  # last: a blind probe sees nothing of any other fault
        _blind(made, blind)


def _impair(made: Measurements, where: Booleans, fault: Impairment, chance: Floats) -> None:
    low, high = fault.loss_ppm
    loss = np.rint(low + (high - low) * chance[5])
    if high:
        made.loss_ppm[where] = np.maximum(made.loss_ppm, loss)[where]
    made.latency_us[where] += np.rint(fault.latency_add_us * (0.9 + 0.2 * chance[4]))[where]
    made.jitter_us[where] += np.rint(fault.jitter_add_us * (0.5 + chance[4]))[where]
    if fault.bgp_state != "ESTABLISHED":
        made.bgp[where] = _BGP_NUMBER[fault.bgp_state]
    lost = where & (made.loss_ppm >= PPM)
    made.latency_us[lost] = np.nan
    made.jitter_us[lost] = np.nan
    made.rx_bps[lost] = 0
    made.tx_bps[lost] = 0


def _blind(made: Measurements, where: Booleans) -> None:
    for values in (made.latency_us, made.jitter_us, made.loss_ppm, made.rx_bps, made.tx_bps):
        values[where] = np.nan
    made.bgp[where] = BGP_UNKNOWN


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Good samples in the order in which they reach Kafka, and how many of them are what."""

    table: pa.Table
    late: int
    duplicate: int


def arrivals(
    world: World, circuits: Sequence[SimulatedCircuit], start_s: int, end_s: int
) -> Arrivals:
    """Return what circuits send in [start_s, end_s), in time order over all their channels.

    Table: WIRE_SCHEMA. The range has one sampling interval; `World.end_s` does not lie inside it.
    """
    pairs = [(circuit, channel) for circuit in circuits for channel in circuit.channels]
    made = [measure(world, circuit, channel, start_s, end_s) for circuit, channel in pairs]
    interval = world.interval_at(start_s)
    table, arrival = _table(pairs, made, interval, lambda m: m.sent & ~m.held)
    late = duplicate = 0
    extra: list[tuple[pa.Table, Integers]] = []
    for circuit, channel in pairs:
        for injection in world.injected(circuit.id, channel.name):
            match injection:
                case LateBurst(arrives_s=at) if start_s <= at < end_s:
                    a, b = injection.start_s, injection.end_s
                    rows = measurements_table(world, circuit, channel, a, b)
                    extra.append((rows, np.full(len(rows), at * 1_000_000)))
                    late += len(rows)
                case Duplicates(after_seconds=after):
                    a = max(injection.start_s, start_s - after)
                    b = min(injection.end_s, end_s - after)
                    if a < b:
                        rows = measurements_table(world, circuit, channel, a, b)
                        at_us = rows["observed_at"].cast(pa.int64()).to_numpy()
                        extra.append((rows, at_us + after * 1_000_000))
                        duplicate += len(rows)
                case _:
                    pass
    reordered = any(m.delay_us.any() for m in made)
    if not extra and not reordered:
        return Arrivals(table, 0, 0)
    together = pa.concat_tables([table, *(rows for rows, _ in extra)])
    keys = np.concatenate([arrival, *(key for _, key in extra)])
    return Arrivals(together.take(np.argsort(keys, kind="stable")), late, duplicate)


def measurements_table(
    world: World, circuit: SimulatedCircuit, channel: SimulatedChannel, start_s: int, end_s: int
) -> pa.Table:
    """Return what one channel measured in [start_s, end_s), held back or not, as WIRE_SCHEMA."""
    made = measure(world, circuit, channel, start_s, end_s)
    interval = world.interval_at(start_s)
    return _table([(circuit, channel)], [made], interval, lambda m: m.sent)[0]


def _table(
    pairs: Sequence[tuple[SimulatedCircuit, SimulatedChannel]],
    made: Sequence[Measurements],
    interval_s: int,
    chosen: Callable[[Measurements], Booleans],
) -> tuple[pa.Table, Integers]:
    """Return channels' samples side by side, time after time, and when each arrives (µs)."""
    if not made:
        return WIRE_SCHEMA.empty_table(), np.empty(0, np.int64)
    pick = np.stack([chosen(m) for m in made], axis=1).ravel()
    everything = bool(pick.all())

    def column(values: Callable[[Measurements], Values]) -> Values:
        flat = np.stack([values(m) for m in made], axis=1).ravel()
        return flat if everything else flat[pick]

    slots = len(made[0].slot_s)
    which = np.tile(np.arange(len(made), dtype=np.int32), slots)
    which = which if everything else which[pick]

    def names(values: Sequence[str]) -> pa.Array:
        return pa.array(values, pa.string()).take(pa.array(which))

    def optional(values: Values, scale: float) -> pa.Array:
        numbers = values.astype(np.float64) / scale
        return pa.array(numbers, pa.float64(), mask=np.isnan(numbers))

    observed = column(lambda m: m.observed_at_s).astype(np.int64)
    bgp = column(lambda m: m.bgp).astype(np.int8)
    columns = {
        "circuit_id": names([circuit.id for circuit, _ in pairs]),
        "channel": names([channel.name for _, channel in pairs]),
        "sequence": pa.array(observed),
        "observed_at": pa.array(observed * 1_000_000).cast(WIRE_SCHEMA.field("observed_at").type),
        "interval_ms": pa.array(np.full(len(observed), interval_s * 1000, np.int32)),
        "latency_ms": optional(column(lambda m: m.latency_us), 1e3),
        "jitter_ms": optional(column(lambda m: m.jitter_us), 1e3),
        "loss_ratio": optional(column(lambda m: m.loss_ppm), 1e6),
        "rx_bps": optional(column(lambda m: m.rx_bps), 1),
        "tx_bps": optional(column(lambda m: m.tx_bps), 1),
        "bgp_state": pa.array(BGP_STATES, pa.string()).take(pa.array(bgp)),
        "bgp_transitions": pa.array(column(lambda m: m.transitions).astype(np.int64)),
        "probe": names([f"probe-{circuit.id}-{channel.name}" for circuit, channel in pairs]),
    }
    table = pa.table([columns[name] for name in WIRE_SCHEMA.names], schema=WIRE_SCHEMA)
    arrival = column(lambda m: m.slot_s * 1_000_000 + m.delay_us).astype(np.int64)
    return table, arrival
