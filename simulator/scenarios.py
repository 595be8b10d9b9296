"""Scenarios as data: what `linksla simulate SCENARIO` injects, one YAML file each.

A scenario is a list of steps, relative to an instant and a circuit. Times are rounded up to whole
cells and sampling intervals when it is placed, so that the truth stays certain.
"""

from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT
from linksla.config import load as load_file
from linksla.errors import UsageError
from simulator.faults import (
    PPM,
    Blindness,
    ClockSkew,
    Corruption,
    Defect,
    Duplicates,
    Impairment,
    Injection,
    LateBurst,
    Reordering,
    Silence,
)
from simulator.world import SimulatedCircuit, Window, World

_HOUR: Final = 3600
_Channels = Literal["all"] | tuple[int, ...]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class _Timed:
    """When, and on which channels: `all`, or numbers from 1 (past the last: from 1 again)."""

    after_seconds: int = Field(default=0, ge=0)
    seconds: int = Field(default=0, ge=0)
    channels: _Channels = "all"


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ImpairmentStep(_Timed):
    """Loss (lowest, highest ratio), BGP, latency and jitter."""

    kind: Literal["impairment"]
    loss: tuple[float, float] = (0.0, 0.0)
    bgp: Literal[
        "UNKNOWN", "IDLE", "CONNECT", "ACTIVE", "OPENSENT", "OPENCONFIRM", "ESTABLISHED"
    ] = "ESTABLISHED"
    latency_add_ms: float = 0.0
    jitter_add_ms: float = 0.0
    just_not_down: bool = False  # as long as possible with fewer than n bad cells


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class SilenceStep(_Timed):
    """No samples."""

    kind: Literal["silence"]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class BlindnessStep(_Timed):
    """Samples that say nothing."""

    kind: Literal["blindness"]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ClockSkewStep(_Timed):
    """A clock that is ahead (positive) or behind."""

    kind: Literal["clock_skew"]
    skew_seconds: int


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class DuplicatesStep(_Timed):
    """Everything twice."""

    kind: Literal["duplicates"]
    again_after_seconds: int = 0


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ReorderingStep(_Timed):
    """Samples overtake each other."""

    kind: Literal["reordering"]
    by_seconds: int = Field(default=25, ge=1, le=25)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class LateBurstStep(_Timed):
    """Held back, then all at once."""

    kind: Literal["late_burst"]
    late_hours: int = Field(ge=1)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class CorruptionStep(_Timed):
    """Corrupt messages and samples, one of each defect."""

    kind: Literal["corruption"]
    defects: tuple[Defect, ...]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class MaintenanceStep(_Timed):
    """A maintenance window; with channel numbers one window for each of these channels."""

    kind: Literal["maintenance"]
    announced_hours_before: int
    reason: str
    approved_by: str | None = None


Step = Annotated[
    ImpairmentStep
    | SilenceStep
    | BlindnessStep
    | ClockSkewStep
    | DuplicatesStep
    | ReorderingStep
    | LateBurstStep
    | CorruptionStep
    | MaintenanceStep,
    Field(discriminator="kind"),
]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that happens to a circuit."""

    name: str
    describe: str
    steps: tuple[Step, ...] = Field(min_length=1)

    def placed(self, world: World, circuit_id: str, at_s: int) -> World:
        """Return the world in which this happens to a circuit from about `at_s` on.

        Raises:
            UsageError: no such circuit, or the sampling is too coarse for a step.
            ValueError: it overlaps what is there so that the truth would not be certain.
        """
        known = [circuit.id for circuit in world.circuits]
        if circuit_id not in known:
            raise UsageError(
                f"no circuit {circuit_id!r} in world {world.name!r}",
                hint=f"Known: {', '.join(known)}.",
            )
        circuit = world.circuit(circuit_id)
        injections: list[Injection] = []
        windows: list[Window] = []
        for step in self.steps:
            start, end = self._span(world, circuit, step, at_s)
            if isinstance(step, MaintenanceStep):
                windows += _windows(step, circuit, start, end, len(world.windows) + len(windows))
            else:
                injections.append(_injection(step, circuit, start, end))
        return replace(world.with_injections(*injections), windows=(*world.windows, *windows))

    def _span(
        self, world: World, circuit: SimulatedCircuit, step: Step, at_s: int
    ) -> tuple[int, int]:
        unit = world.step_at(circuit, at_s)
        start = -(-(at_s + step.after_seconds) // unit) * unit
        if isinstance(step, ImpairmentStep) and step.just_not_down:
            longest = (circuit.terms.consecutive - 1) * circuit.grid_seconds // unit * unit
            if not longest:
                raise UsageError(
                    f"{self.name}: {circuit.id} is sampled every {unit} s, which is already "
                    f"{circuit.terms.consecutive} cells",
                    hint="Take a circuit with a longer grid, or sample more often.",
                )
            return start, start + longest
        return start, start + max(-(-step.seconds // unit), 1) * unit


def _channels(step: _Timed, circuit: SimulatedCircuit) -> tuple[str, ...]:
    names = [channel.name for channel in circuit.channels]
    if step.channels == "all":
        return tuple(names)
    return tuple(dict.fromkeys(names[(number - 1) % len(names)] for number in step.channels))


def _injection(step: Step, circuit: SimulatedCircuit, start_s: int, end_s: int) -> Injection:
    on, channels = circuit.id, _channels(step, circuit)
    match step:
        case ImpairmentStep():
            low, high = step.loss
            return Impairment(
                circuit_id=on, channels=channels, start_s=start_s, end_s=end_s,
                loss_ppm=(round(low * PPM), round(high * PPM)), bgp_state=step.bgp,
                latency_add_us=round(step.latency_add_ms * 1000),
                jitter_add_us=round(step.jitter_add_ms * 1000),
            )  # fmt: skip
        case SilenceStep():
            return Silence(circuit_id=on, channels=channels, start_s=start_s, end_s=end_s)
        case BlindnessStep():
            return Blindness(circuit_id=on, channels=channels, start_s=start_s, end_s=end_s)
        case ClockSkewStep(skew_seconds=skew):
            return ClockSkew(
                circuit_id=on, channels=channels, start_s=start_s, end_s=end_s, skew_seconds=skew
            )
        case DuplicatesStep(again_after_seconds=after):
            return Duplicates(
                circuit_id=on, channels=channels, start_s=start_s, end_s=end_s,
                after_seconds=after,
            )  # fmt: skip
        case ReorderingStep(by_seconds=by):
            return Reordering(
                circuit_id=on, channels=channels, start_s=start_s, end_s=end_s, by_seconds=by
            )
        case LateBurstStep(late_hours=hours):
            return LateBurst(
                circuit_id=on, channels=channels, start_s=start_s, end_s=end_s,
                arrives_s=end_s + hours * _HOUR,
            )  # fmt: skip
        case CorruptionStep(defects=defects):
            return Corruption(
                circuit_id=on, channels=channels, start_s=start_s, end_s=end_s, defects=defects
            )
        case MaintenanceStep():
            raise AssertionError("a window is not injected into the samples")


def _windows(
    step: MaintenanceStep, circuit: SimulatedCircuit, start_s: int, end_s: int, number: int
) -> list[Window]:
    first = Window(
        id=f"CHG-{number + 1}",
        circuit_id=circuit.id,
        start_s=start_s,
        end_s=end_s,
        announced_s=start_s - step.announced_hours_before * _HOUR,
        reason=step.reason,
        approved_by=step.approved_by,
    )
    if step.channels == "all":
        return [first]
    return [
        replace(first, id=f"CHG-{number + 1 + index}", channel=channel)
        for index, channel in enumerate(_channels(step, circuit))
    ]


@cache
def names() -> tuple[str, ...]:
    """Return the names of all scenarios."""
    folder = files("simulator").joinpath("scenarios")
    found = (item.name for item in folder.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


@cache
def load(name: str) -> Scenario:
    """Return a scenario by name.

    Raises:
        UsageError: there is none of that name; says which there are.
    """
    if name not in names():
        raise UsageError(f"no scenario {name!r}", hint=f"Known: {', '.join(names())}.")
    with as_file(files("simulator").joinpath("scenarios", f"{name}.yaml")) as path:
        return load_file(path, Scenario)


def describe() -> dict[str, str]:
    """Return what each scenario is, by name."""
    return {name: load(name).describe for name in names()}
