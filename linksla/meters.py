"""Counters and gauges that `/metrics`, `doctor` and tests read.

Names follow Prometheus: unit last, `_total` for what only grows. No label ever names a customer.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

Labels = tuple[tuple[str, str], ...]
OBSERVED_MAX: Final = 1_000
QUANTILES: Final = (0.5, 0.99, 1.0)


class Meters:
    """A thread-safe set of named numbers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[tuple[str, Labels], float] = {}
        self._observed: dict[str, deque[float]] = {}
        self._update: Callable[[], None] | None = None

    def add(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Add `amount` to a counter."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            self._values[(name, tuple(sorted(labels.items())))] = value

    def observe(self, name: str, value: float, /) -> None:
        """Note one of many values; the last 1,000 give quantiles, `_count` and `_sum` count all."""
        with self._lock:
            self._observed.setdefault(name, deque(maxlen=OBSERVED_MAX)).append(value)
            for suffix, amount in (("_count", 1.0), ("_sum", value)):
                key: tuple[str, Labels] = (name + suffix, ())
                self._values[key] = self._values.get(key, 0) + amount

    def quantile(self, name: str, share: float, /) -> float | None:
        """Return the least value that `share` of the last 1,000 do not exceed; None: none yet."""
        with self._lock:
            values = sorted(self._observed.get(name, ()))
        return values[max(math.ceil(share * len(values)) - 1, 0)] if values else None

    def last(self, name: str, /) -> float | None:
        """Return the newest value that was observed; None: none yet."""
        with self._lock:
            values = self._observed.get(name)
            return values[-1] if values else None

    def value(self, name: str, /, **labels: str) -> float:
        """Return one number, 0 when it was never touched."""
        with self._lock:
            return self._values.get((name, tuple(sorted(labels.items()))), 0)

    def snapshot(self) -> Mapping[tuple[str, Labels], float]:
        """Return all numbers as they stand."""
        with self._lock:
            values = dict(self._values)
            names = tuple(self._observed)
        for name in names:
            for share in QUANTILES:
                values[(name, (("quantile", f"{share:g}"),))] = self.quantile(name, share) or 0
        return values

    def before_reading(self, update: Callable[[], None] | None) -> None:
        """Call `update` before each exposition: it sets gauges that cost too much to keep."""
        self._update = update

    def exposition(self) -> str:
        """Return all numbers in the Prometheus text format."""
        if self._update is not None:
            self._update()
        lines = []
        for (name, labels), value in sorted(self.snapshot().items()):
            inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
            lines.append(f"{name}{{{inner}}} {value:g}" if inner else f"{name} {value:g}")
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def broker_answers(meters: Meters) -> bool:
    """Return whether Kafka answered when it was asked last; as long as it was not, it does."""
    failed = meters.value("linksla_ingest_broker_errors_total") > 0
    return not failed or meters.value("linksla_ingest_broker_up") > 0
