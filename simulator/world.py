"""A simulated network: who has which circuit under which terms, and everything that happens to it.

A world is a value: the same world gives the same samples, the same configuration and the same
truth. Instants are whole seconds on the Unix epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import lcm
from pathlib import Path
from typing import Final

import yaml

from linksla.clock import iso
from linksla.wire import partition_of
from simulator.faults import (
    Blindness,
    ClockSkew,
    Duplicates,
    Impairment,
    Injection,
    LateBurst,
    Silence,
)

SKEW_AHEAD_SECONDS_MAX: Final = 299  # 5 min ahead is still accepted (DESIGN 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A contract as far as it decides the truth, with what its file needs besides.

    `objectives` and `bands` go into the file as they stand; `bands` is (lower bound, credit).
    """

    id: str
    title: str
    source: str
    timezone: str
    target_percent: str
    up_at_least: int
    consecutive: int
    loss_threshold: str = "0.5"
    denominator: str = "measured"
    coverage_percent_min: str = "95"
    objectives: tuple[tuple[str, str, str, str], ...] = ()  # name, metric, statistic, limit
    notice_hours: int = 0
    cap_hours_per_month: int | None = None
    bands: tuple[tuple[str, str], ...] = ()

    @property
    def loss_threshold_ppm(self) -> int:
        """The loss above which a channel is bad, in ppm."""
        return round(float(self.loss_threshold) * 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedChannel:
    """One path of a circuit and how it behaves when nothing is wrong."""

    name: str
    latency_us: int
    jitter_us: int
    utilisation: float  # of its share of the bandwidth, at the busiest hour, 0 to 1
    active_from_s: int | None = None
    active_to_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCircuit:
    """A private link with its terms."""

    id: str
    customer: str
    terms: Terms
    site: str
    region: str
    bandwidth_mbps: int
    grid_seconds: int
    channels: tuple[SimulatedChannel, ...]
    active_from_s: int
    active_to_s: int | None = None
    utc_offset_hours: float = 0.0  # for the rhythm of a working day
    price: tuple[str, str] | None = None  # a month: exact amount and currency

    @property
    def partition(self) -> int:
        """The partition of link.samples its samples go to."""
        return partition_of(self.id)

    def channel(self, name: str) -> SimulatedChannel:
        """Return a channel by name; KeyError when there is none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)

    def active(self, channel: SimulatedChannel, until_s: int) -> tuple[int, int]:
        """Return [from, to) in which a channel counts, cut at `until_s`; empty when to ≤ from."""
        start = max(self.active_from_s, channel.active_from_s or self.active_from_s)
        ends = [end for end in (self.active_to_s, channel.active_to_s) if end is not None]
        return start, min([*ends, until_s])


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A maintenance window: of a circuit, of one of its channels, or of a site."""

    id: str
    start_s: int
    end_s: int
    announced_s: int
    reason: str
    circuit_id: str | None = None
    channel: str | None = None
    site: str | None = None
    proposed_by: str = "carrier"
    approved_by: str | None = None

    def covers(self, circuit: SimulatedCircuit) -> bool:
        """Return whether it is about this circuit (or one of its channels)."""
        return self.circuit_id == circuit.id or (
            self.site is not None and self.site == circuit.site
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A network, its history from `start_s` to `end_s`, and what happens in it.

    History is sampled every `interval_s`; from `end_s` on, live, every `live_interval_s`.
    `goes_on` False: nothing is ever sent after the history, what follows is unmeasured.
    `pause_s`: where a consumer should have read everything before the rest is sent, so that what
    arrives late after it is late for any consumer.
    """

    name: str
    seed: int
    start_s: int
    end_s: int
    customers: tuple[tuple[str, str], ...]
    circuits: tuple[SimulatedCircuit, ...]
    injections: tuple[Injection, ...] = ()
    windows: tuple[Window, ...] = ()
    interval_s: int = 60
    live_interval_s: int = 5
    pause_s: int | None = None
    goes_on: bool = True

    def circuit(self, circuit_id: str) -> SimulatedCircuit:
        """Return a circuit by id; KeyError when there is none."""
        for circuit in self.circuits:
            if circuit.id == circuit_id:
                return circuit
        raise KeyError(circuit_id)

    def interval_at(self, second: int) -> int:
        """Return the sampling interval in force at an instant, in seconds."""
        return self.interval_s if second < self.end_s else self.live_interval_s

    def step_at(self, circuit: SimulatedCircuit, second: int) -> int:
        """Return the step that fault edges must lie on: whole cells and whole intervals."""
        return lcm(circuit.grid_seconds, self.interval_at(second))

    def injected(self, circuit_id: str, channel: str) -> Iterator[Injection]:
        """Yield what happens to one channel."""
        for injection in self.injections:
            if injection.circuit_id == circuit_id and channel in injection.channels:
                yield injection

    def with_injections(self, *more: Injection) -> "World":
        """Return the world with more happening in it.

        Raises:
            ValueError: the truth would not be certain (see `check`).
        """
        world = replace(self, injections=(*self.injections, *more))
        for injection in world.injections:
            if injection in more or isinstance(injection, ClockSkew):
                world._check(injection)
        return world

    def only(self, circuit_id: str) -> "World":
        """Return the world with one circuit left; its samples and its truth stay the same."""
        return replace(
            self,
            circuits=(self.circuit(circuit_id),),
            injections=tuple(i for i in self.injections if i.circuit_id == circuit_id),
        )

    def check(self) -> None:
        """Make sure that the truth of every second is certain.

        Raises:
            ValueError: an edge lies inside a cell or a sampling interval, a loss straddles a
                threshold, a skewed channel has another fault, or an instant is out of order.
        """
        if self.start_s % self.interval_s or self.end_s % self.interval_s:
            message = f"world {self.name!r} starts or ends inside a sampling interval"
            raise ValueError(message)
        for injection in self.injections:
            self._check(injection)

    def _check(self, injection: Injection) -> None:
        circuit = self.circuit(injection.circuit_id)
        where = f"{type(injection).__name__} on {circuit.id} at {iso(injection.start_s)}"
        for name in injection.channels:
            circuit.channel(name)
        if injection.end_s <= injection.start_s:
            raise ValueError(f"{where}: ends before it starts")
        if isinstance(injection, Impairment | Silence | Blindness):
            for edge in (injection.start_s, injection.end_s):
                if edge % self.step_at(circuit, edge):
                    step = self.step_at(circuit, edge)
                    raise ValueError(f"{where}: edge {iso(edge)} is not on a step of {step} s")
        if isinstance(injection, Impairment):
            injection.is_bad(circuit.terms.loss_threshold_ppm)
        if isinstance(injection, LateBurst) and injection.arrives_s < injection.end_s + 3600:
            raise ValueError(f"{where}: arrives less than an hour late")
        if isinstance(injection, LateBurst | Duplicates | ClockSkew):
            if injection.start_s < self.end_s < injection.end_s:
                raise ValueError(f"{where}: goes over the end of the history")
            self._check_alone(injection, where)
        if isinstance(injection, ClockSkew):
            self._check_skew(injection, where)

    def _check_alone(self, injection: LateBurst | Duplicates | ClockSkew, where: str) -> None:
        """A sample is late, sent twice or misdated, but only one of these and only once."""
        for other in self.injections:
            if (
                other is not injection
                and isinstance(other, LateBurst | Duplicates | ClockSkew)
                and other.circuit_id == injection.circuit_id
                and set(other.channels) & set(injection.channels)
                and other.start_s < injection.end_s
                and injection.start_s < other.end_s
            ):
                raise ValueError(f"{where}: overlaps {type(other).__name__}")

    def _check_skew(self, skew: ClockSkew, where: str) -> None:
        if not -3600 <= skew.skew_seconds <= SKEW_AHEAD_SECONDS_MAX:
            raise ValueError(f"{where}: a clock may be an hour behind or 5 min ahead")
        margin = abs(skew.skew_seconds) + self.interval_at(skew.start_s)
        for other in self.injections:
            if (
                other is not skew
                and other.circuit_id == skew.circuit_id
                and set(other.channels) & set(skew.channels)
                and other.start_s < skew.end_s + margin
                and skew.start_s - margin < other.end_s
            ):
                raise ValueError(f"{where}: another injection overlaps a skewed clock")

    def write_config(self, folder: Path, *, data: str = "var") -> None:
        """Write linksla.yaml, inventory.yaml, maintenance.yaml and contracts/*.yaml.

        `data` is the folder of a node's data, relative to `folder`.
        """
        contracts = folder / "contracts"
        contracts.mkdir(parents=True, exist_ok=True)
        _write(
            folder / "linksla.yaml",
            {
                "data": data,
                "inventory": "inventory.yaml",
                "contracts": "contracts",
                "maintenance": "maintenance.yaml",
            },
        )
        _write(
            folder / "inventory.yaml",
            {
                "customers": [{"id": key, "name": name} for key, name in self.customers],
                "circuits": [_circuit_entry(circuit) for circuit in self.circuits],
            },
        )
        _write(folder / "maintenance.yaml", {"windows": [_window_entry(w) for w in self.windows]})
        for terms in {circuit.terms.id: circuit.terms for circuit in self.circuits}.values():
            _write(contracts / f"{terms.id}.yaml", _contract_entry(terms))


class _PlainDumper(yaml.SafeDumper):
    """No anchors: linksla's configuration refuses them."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _write(path: Path, content: dict[str, object]) -> None:
    text = yaml.dump(content, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")


def _circuit_entry(circuit: SimulatedCircuit) -> dict[str, object]:
    channels = []
    for channel in circuit.channels:
        entry: dict[str, object] = {"name": channel.name}
        if channel.active_from_s is not None:
            entry["active_from"] = iso(channel.active_from_s)
        if channel.active_to_s is not None:
            entry["active_to"] = iso(channel.active_to_s)
        channels.append(entry)
    entry = {
        "id": circuit.id,
        "owners": [{"customer": circuit.customer}],
        "contract": circuit.terms.id,
        "site": circuit.site,
        "region": circuit.region,
        "bandwidth_mbps": circuit.bandwidth_mbps,
        "grid_seconds": circuit.grid_seconds,
        "active_from": iso(circuit.active_from_s),
        "channels": channels,
    }
    if circuit.active_to_s is not None:
        entry["active_to"] = iso(circuit.active_to_s)
    if circuit.price is not None:
        amount, currency = circuit.price
        entry["prices"] = [{"amount": amount, "currency": currency}]
    return entry


def _window_entry(window: Window) -> dict[str, object]:
    place: dict[str, object] = {
        "circuit": window.circuit_id,
        "channel": window.channel,
        "site": window.site,
        "approved_by": window.approved_by,
    }
    return {
        "id": window.id,
        **{key: value for key, value in place.items() if value is not None},
        "start": iso(window.start_s),
        "end": iso(window.end_s),
        "announced_at": iso(window.announced_s),
        "proposed_by": window.proposed_by,
        "reason": window.reason,
    }


def _contract_entry(terms: Terms) -> dict[str, object]:
    maintenance: dict[str, object] = {"notice_hours": terms.notice_hours}
    if terms.cap_hours_per_month is not None:
        maintenance["cap_hours_per_month"] = terms.cap_hours_per_month
    entry: dict[str, object] = {
        "id": terms.id,
        "version": 1,
        "title": terms.title,
        "source": terms.source,
        "timezone": terms.timezone,
        "availability": {
            "target_percent": terms.target_percent,
            "up_at_least": terms.up_at_least,
            "consecutive": terms.consecutive,
            "loss_threshold": terms.loss_threshold,
            "denominator": terms.denominator,
            "coverage_percent_min": terms.coverage_percent_min,
        },
        "objectives": [
            dict(zip(("name", "metric", "statistic", "limit"), each, strict=True))
            for each in terms.objectives
        ],
        "maintenance": maintenance,
    }
    if terms.bands:
        entry["credit"] = {
            "basis": "availability_percent",
            "bands": [list(band) for band in terms.bands],
        }
    return entry
