"""A history is judged again whenever anything differs that it follows from, and only then."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import duckdb
import pytest

from sla import remembered
from sla.history import CircuitHistory, Historian
from sla.remembered import RememberedHistories
from sla.spans import LiveSpan
from sla.telemetry import ChannelRow, Telemetry
from tests.unit.past_bench import JULY, JUNE, Past
from tests.unit.told_bench import facts

CURSOR = cast(duckdb.DuckDBPyConnection, None)
ROWS = tuple(ChannelRow(name, "a", key, JUNE, None) for key, name in enumerate("CDE", 1))
ALL = dict.fromkeys("CDE", JULY)


class Judge:
    """Judges at once, and keeps whom."""

    def __init__(self, **basis: int) -> None:
        self.of = basis
        self.judged_were: list[list[str]] = []

    def basis(self, name: str) -> object:
        return self.of.get(name)

    def judged(self, _: Any, known: Telemetry, names: Iterable[str]) -> dict[str, CircuitHistory]:
        self.judged_were.append(list(names))
        return {
            name: replace(Past().history(), complete_up_to_s=known.complete_up_to_s[name])
            for name in self.judged_were[-1]
            if name in known.complete_up_to_s
        }


def memory(judge: Judge) -> RememberedHistories:
    return RememberedHistories(cast(Historian, judge))


def known(**more: Any) -> Telemetry:
    return replace(facts(*ROWS, complete=dict(ALL)), **more)


def test_what_is_known_is_not_judged_again() -> None:
    judge = Judge()
    histories = memory(judge)

    first = histories.of(CURSOR, known(), ["C", "D", "stranger"])
    second = histories.of(CURSOR, known(), ["D", "E", "C"])

    assert judge.judged_were == [["C", "D"], ["E"]]
    assert (list(first), list(second)) == (["C", "D"], ["D", "E", "C"])
    assert second["C"] is first["C"]
    assert histories.of(CURSOR, known(), ["C"]) == {"C": first["C"]}
    assert judge.judged_were == [["C", "D"], ["E"]], "with nothing to judge nobody is asked"


@pytest.mark.parametrize(
    "changed",
    [
        {"complete_up_to_s": ALL | {"C": JULY + 1}}, {"live_to_s": {"C": JULY + 9}},
        {"fingerprints": {"C": (1, 2)}}, {"live": {1: (LiveSpan(1, JULY, JULY + 9, 1, 0),)}},
        {"channels": {"C": (replace(ROWS[0], active_to_s=JULY),)}},
    ],
)  # fmt: skip
def test_whatever_it_follows_from_is_looked_at(changed: dict[str, Any]) -> None:
    judge = Judge()
    histories = memory(judge)
    histories.of(CURSOR, known(), ["C"])

    again = histories.of(CURSOR, known(**changed), ["C"])
    assert judge.judged_were == [["C"], ["C"]]
    assert again["C"].complete_up_to_s == changed.get("complete_up_to_s", ALL)["C"]
    histories.of(CURSOR, known(**changed), ["C"])
    assert len(judge.judged_were) == 2


def test_what_another_historian_judges_alike_is_kept() -> None:
    first, other = Judge(C=1, D=1), Judge(C=1, D=2)
    histories = memory(first)
    histories.of(CURSOR, known(), ["C", "D"])

    taken_over = histories.judged_by(cast(Historian, other))
    taken_over.of(CURSOR, known(), ["C", "D"])

    assert other.judged_were == [["D"]]
    assert taken_over.historian is cast(Any, other)


def test_one_of_which_nothing_is_complete_has_no_history() -> None:
    judge = Judge()

    assert list(memory(judge).of(CURSOR, known(complete_up_to_s={"C": JULY}), ["C", "D"])) == ["C"]


def test_what_was_asked_for_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_CIRCUITS_MAX", 2)
    judge = Judge()
    histories = memory(judge)
    for names in ("C", "D", "C", "E", "C", "E", "D"):
        histories.of(CURSOR, known(), [names])

    assert judge.judged_were == [["C"], ["D"], ["E"], ["D"]]
