"""A month of many circuits from cold: what needs no words, read and judged in one go.

For whoever wants to know what stands how before asking for every answer in full. Circuits with
windows or attributions, or whose contract changes, are left to the full judgement.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.inventory import Circuit
from linksla.sql import statement
from processors.observations import Int64, integers
from sla import telemetry
from sla.answers import Outcome, Seconds
from sla.boundaries import Stretches
from sla.calendar import month_bounds
from sla.columns import OUTCOMES, Asked, Judged, Tallies, judged, outcomes
from sla.contracts import Contract, ContractInForce
from sla.history import FAR_AHEAD_S, Historian
from sla.runs import loss_class_max
from sla.telemetry import ChannelRow

_TOGETHER: Final = 20_000
"""Circuits judged at once: 1 million spans are some 200 MB of columns."""


@dataclass(frozen=True, slots=True)
class MonthColumns:
    """A month of `circuit_ids`, row by row; `outcome` indexes `sla.columns.OUTCOMES`."""

    circuit_ids: tuple[str, ...]
    judged: Judged
    outcome: Int64

    def seconds(self, row: int) -> Seconds:
        """Return the buckets of one circuit."""
        one = self.judged.nominal
        return Seconds(int(one.up[row]), int(one.down[row]), 0, int(one.unmeasured[row]))

    def verdict(self, row: int) -> Outcome:
        """Return the verdict on availability of one circuit."""
        return OUTCOMES[int(self.outcome[row])]


@dataclass(frozen=True, slots=True)
class _Plain:
    """A circuit that columns can judge: one contract version, nothing that people decided."""

    circuit: Circuit
    contract: Contract
    channels: tuple[ChannelRow, ...]
    from_s: int
    to_s: int
    month_from_s: int
    month_to_s: int
    month_end_s: int


def month_columns(
    cursor: duckdb.DuckDBPyConnection,
    historian: Historian,
    circuits: Iterable[Circuit],
    month: str,
) -> MonthColumns:
    """Return the month of those circuits that are plain and have something complete in it."""
    known = {circuit.id: circuit for circuit in circuits}
    channels = telemetry.channels(cursor, list(known))
    complete = telemetry.complete_up_to(cursor)
    plain = [
        found
        for name, circuit in known.items()
        if name in channels
        and name in complete
        and (found := _plain(historian, circuit, channels[name], complete[name], month))
    ]
    parts = [
        _judged(cursor, plain[first : first + _TOGETHER])
        for first in range(0, len(plain), _TOGETHER)
    ]
    together = Judged(
        *(_joined([getattr(part.judged, name) for part in parts]) for name in _SCENARIOS)
    )
    return MonthColumns(
        tuple(one.circuit.id for one in plain),
        together,
        np.concatenate([np.zeros(0, np.int64), *(part.outcome for part in parts)]),
    )


_SCENARIOS: Final = ("nominal", "unknown_bad", "unknown_good")
_BUCKETS: Final = ("up", "down", "unmeasured", "bad_but_not_down")


def _joined(parts: Sequence[Tallies]) -> Tallies:
    none = np.zeros(0, np.int64)
    return Tallies(
        *(np.concatenate([none, *(getattr(part, name) for part in parts)]) for name in _BUCKETS)
    )


def _plain(
    historian: Historian,
    circuit: Circuit,
    channels: tuple[ChannelRow, ...],
    complete_s: int,
    month: str,
) -> _Plain | None:
    versions: tuple[ContractInForce, ...] = historian.versions(circuit)
    if len(versions) != 1 or historian.decided_upon(circuit):
        return None
    contract = versions[0].contract
    starts, ends = month_bounds(month, contract.timezone, contract.anniversary_day)
    grid = circuit.grid_seconds
    whole = ends if circuit.active_to is None else min(ends, circuit.active_to)
    lower, upper = max(starts, circuit.active_from), min(whole, complete_s)
    if lower >= upper:
        return None
    judged_to = complete_s
    if circuit.active_to is not None:
        judged_to = min(judged_to, -(-circuit.active_to // grid) * grid)
    judged_from = circuit.active_from // grid * grid
    return _Plain(
        circuit, contract, channels, judged_from, judged_to, lower, upper, whole
    )  # fmt: skip


def _judged(cursor: duckdb.DuckDBPyConnection, plain: Sequence[_Plain]) -> MonthColumns:
    def column(values: Iterable[int]) -> Int64:
        return np.fromiter(values, np.int64, len(plain))

    asked = Asked(
        column(one.contract.availability.up_at_least for one in plain),
        column(one.contract.availability.consecutive * one.circuit.grid_seconds for one in plain),
        column(one.from_s for one in plain),
        column(one.to_s for one in plain),
        column(one.month_from_s for one in plain),
        column(one.month_to_s for one in plain),
    )
    rows = [(row, channel) for row, one in enumerate(plain) for channel in one.channels]
    row = np.fromiter((row for row, _ in rows), np.int64, len(rows))
    grid = column(one.circuit.grid_seconds for one in plain)[row]
    starts = np.fromiter((channel.active_from_s for _, channel in rows), np.int64, len(rows))
    ends = np.fromiter(
        (FAR_AHEAD_S if c.active_to_s is None else c.active_to_s for _, c in rows),
        np.int64, len(rows),
    )  # fmt: skip
    active = Stretches(row, starts // grid * grid, -(-ends // grid) * grid)
    classes = column(loss_class_max(one.contract) for one in plain)[row]
    keys = np.fromiter((channel.channel_key for _, channel in rows), np.int64, len(rows))
    lent = {"channel_key": keys, "row": row, "loss_class_max": classes}
    lent |= {"from_s": active.start_s, "to_s": active.end_s}
    cursor.register("judged_channels", pa.table(lent))
    known = cursor.sql(statement("sla", "known_stretches")).to_arrow_table()
    cursor.unregister("judged_channels")
    stretches = Stretches(*(integers(known, name) for name in ("row", "start_s", "end_s")))
    found = judged(asked, active, stretches, known.column("bad").to_numpy().astype(np.bool_))
    rest = column(one.month_end_s - one.month_to_s for one in plain)
    outcome = np.zeros(len(plain), np.int64)
    terms = {one.contract.availability: None for one in plain}
    numbers = {one: number for number, one in enumerate(terms)}
    of = column(numbers[one.contract.availability] for one in plain)
    for number, one in enumerate(terms):
        outcome = np.where(of == number, outcomes(one, found, rest), outcome)
    return MonthColumns(tuple(one.circuit.id for one in plain), found, outcome)
