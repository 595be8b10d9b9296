"""What can go wrong in the simulated network, as data.

Each injection has a circuit, channels and [start_s, end_s). A fault of the network changes what is
measured; a fault of delivery changes how, when or in what shape samples reach Kafka. Edges lie on
whole cells and whole sampling intervals (`World.check`), so that the truth of every second is
certain.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """A fault of the network: loss between two bounds (ppm), BGP lost, latency or jitter up."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int
    loss_ppm: tuple[int, int] = (0, 0)
    bgp_state: str = "ESTABLISHED"
    latency_add_us: int = 0
    jitter_add_us: int = 0

    def is_bad(self, loss_threshold_ppm: int) -> bool:
        """Return whether a channel is bad under it, for a contract's loss threshold.

        Raises:
            ValueError: its loss may fall on either side of the threshold.
        """
        low, high = self.loss_ppm
        if self.bgp_state not in ("ESTABLISHED", "UNKNOWN"):
            return True
        if low <= loss_threshold_ppm < high:
            message = f"loss {low} to {high} ppm straddles the threshold {loss_threshold_ppm} ppm"
            raise ValueError(message)
        return low > loss_threshold_ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The probe sends nothing: unmeasured, not down."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blindness:
    """The probe sends samples that say nothing: no value, BGP UNKNOWN."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew:
    """The probe's clock is ahead (positive) or behind: observed_at is off by `skew_seconds`."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int
    skew_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Every sample is sent again, unchanged, `after_seconds` later."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int
    after_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reordering:
    """Samples overtake each other by up to `by_seconds`, less than the allowed lateness."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int
    by_seconds: int = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class LateBurst:
    """Samples are held back and all arrive at `arrives_s`, hours or days later."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int
    arrives_s: int


class Defect(StrEnum):
    """How a corrupt message or sample is broken. Sent besides the good ones, replacing none."""

    TRUNCATED = "truncated"
    TRAILING_BYTES = "trailing_bytes"
    NOT_AVRO = "not_avro"
    UNKNOWN_ID = "unknown_id"
    UNKNOWN_FINGERPRINT = "unknown_fingerprint"
    INVALID_UTF8 = "invalid_utf8"
    TOO_MANY_SAMPLES = "too_many_samples"
    NOT_A_NUMBER = "not_a_number"
    INFINITE = "infinite"
    LOSS_ABOVE_ONE = "loss_above_one"
    NEGATIVE_LATENCY = "negative_latency"
    CONTROL_CHARACTER = "control_character"
    BIDIRECTIONAL = "bidirectional"
    FAR_FUTURE = "far_future"
    BEFORE_ACTIVE = "before_active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """At each second of `at_s` one corrupt message or sample, in turn of `defects`."""

    circuit_id: str
    channels: tuple[str, ...]
    start_s: int
    end_s: int
    defects: tuple[Defect, ...]

    @property
    def at_s(self) -> tuple[int, ...]:
        """When each defect is sent: spread evenly over the time."""
        step = max((self.end_s - self.start_s) // len(self.defects), 1)
        return tuple(self.start_s + number * step for number in range(len(self.defects)))


Injection = (
    Impairment | Silence | Blindness | ClockSkew | Duplicates | Reordering | LateBurst | Corruption
)
NETWORK: Final = (Impairment, Silence, Blindness, ClockSkew)
"""Those that change what is measured, and so the truth of seconds."""
