"""Counters and gauges that `/metrics`, `doctor` and tests read.

Names follow Prometheus: unit last, `_total` for what only grows. No label ever names a customer.
"""

import threading
from collections.abc import Mapping

Labels = tuple[tuple[str, str], ...]


class Meters:
    """A thread-safe set of named numbers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[tuple[str, Labels], float] = {}

    def add(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Add `amount` to a counter."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            self._values[(name, tuple(sorted(labels.items())))] = value

    def value(self, name: str, /, **labels: str) -> float:
        """Return one number, 0 when it was never touched."""
        with self._lock:
            return self._values.get((name, tuple(sorted(labels.items()))), 0)

    def snapshot(self) -> Mapping[tuple[str, Labels], float]:
        """Return all numbers as they stand."""
        with self._lock:
            return dict(self._values)

    def exposition(self) -> str:
        """Return all numbers in the Prometheus text format."""
        lines = []
        for (name, labels), value in sorted(self.snapshot().items()):
            inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
            lines.append(f"{name}{{{inner}}} {value:g}" if inner else f"{name} {value:g}")
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
