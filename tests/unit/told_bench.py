"""Telemetry as a test tells it, in runs, and a historian who judges circuits by it alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import duckdb

from linksla.inventory import Channel, Circuit, Customer, Inventory
from linksla.inventory import Ownership as Owner
from sla.answers import Bucket
from sla.attributions import Reclassification
from sla.boundaries import State, UnknownAs
from sla.contracts import Contract
from sla.history import CircuitHistory, Historian
from sla.maintenance import MaintenanceWindow
from sla.runs import AvailabilityRun, ChannelPart, Found, Judgement, RunsOf
from sla.spans import LiveSpan
from sla.telemetry import ChannelRow, Telemetry
from tests.unit.past_bench import JULY, JUNE, ONE

_KINDS = {
    "U": (State.GOOD, Bucket.UP), "D": (State.BAD, Bucket.DOWN),
    "M": (State.UNKNOWN, Bucket.UNMEASURED),
}  # fmt: skip


@dataclass
class Told:
    """Answers every judgement with written runs, and keeps what was asked."""

    text: str = "U*"
    good: str | None = None  # every unknown cell taken as good
    bad: str | None = None
    saved: str | None = None  # channels under windows taken as good
    judgements: list[Judgement] = field(default_factory=list)
    parts: list[ChannelPart] = field(default_factory=list)
    live: list[LiveSpan] = field(default_factory=list)

    def __call__(
        self, cursor: Any, judgements: Sequence[Judgement], parts: Sequence[ChannelPart],
        live: Sequence[LiveSpan],
    ) -> Found:  # fmt: skip
        self.judgements, self.parts, self.live = list(judgements), list(parts), list(live)
        return tuple(self._runs(one) for one in judgements)

    def _runs(self, asked: Judgement) -> tuple[AvailabilityRun, ...]:
        text = self.text
        if asked.unknown_as is not UnknownAs.UNKNOWN:
            text = (self.good if asked.unknown_as is UnknownAs.GOOD else self.bad) or text
        if asked.windows_good:
            text = self.saved or text
        found, at = [], asked.start_s
        for word in text.split():
            upper = asked.end_s if word[1:] == "*" else min(at + int(word[1:]), asked.end_s)
            if at < upper:
                found.append(AvailabilityRun(at, upper, *_KINDS[word[0]]))
            at = max(at, upper)
        return tuple(found)


def circuit(name: str = "C", **more: Any) -> Circuit:
    """Return a circuit that has been up since June as it stands in the inventory."""
    known = {
        "id": name, "owners": (Owner(customer="acme"),), "contract": "c", "site": "S",
        "region": "r", "bandwidth_mbps": 1000, "grid_seconds": 10, "active_from": JUNE,
        "channels": (Channel(name="a"),),
    }  # fmt: skip
    return Circuit(**(known | more))


def historian(
    versions: Sequence[Contract] = (ONE,),
    windows: Sequence[MaintenanceWindow] = (),
    words: dict[str, tuple[Reclassification, ...]] | None = None,
    *circuits: Circuit,
) -> Historian:
    """Return one who judges circuits, C if none is given, under versions of one contract."""
    known = {one.id: one for one in circuits or (circuit(),)}
    inventory = Inventory({"acme": Customer(id="acme", name="A")}, known)
    return Historian(inventory, {"c": tuple(versions)}, windows, words)


def facts(
    *rows: ChannelRow,
    complete: dict[str, int] | None = None,
    live_to: dict[str, int] | None = None,
    live: dict[int, tuple[LiveSpan, ...]] | None = None,
) -> Telemetry:
    """Return what is known of channels, and how far."""
    channels: dict[str, tuple[ChannelRow, ...]] = {}
    for row in rows or (ChannelRow("C", "a", 1, JUNE, None),):
        channels[row.circuit_id] = (*channels.get(row.circuit_id, ()), row)
    known = {"C": JULY} if complete is None else complete
    return Telemetry(channels, known, live_to or {}, live or {}, {}, {}, {})


def judged(by: Historian, known: Telemetry, told: Told, *names: str) -> dict[str, CircuitHistory]:
    """Return the histories of circuits, C if none is named."""
    cursor = cast(duckdb.DuckDBPyConnection, None)  # nothing is read
    return by.judged(cursor, known, names or ("C",), cast(RunsOf, told))


def window(start: int, end: int, **more: Any) -> MaintenanceWindow:
    """Return a window on circuit C."""
    known = {"id": "W", "circuit": "C", "announced_at": 0, "proposed_by": "noc", "reason": "work"}
    return MaintenanceWindow(start=start, end=end, **(known | more))


def version(number: int, valid_from: int, **more: Any) -> Contract:
    """Return a later version of the contract."""
    return replace(ONE, version=number, valid_from=valid_from, **more)
