"""A month's calculations: who may see them, and what late samples are said to have done."""

import json
from contextlib import contextmanager
from typing import Any

import pytest

from linksla.stores import TelemetryStore
from sla.json import to_json
from sla.periods import Ownership
from sla.scope import AllCustomers
from sla.versions import MonthVersion, OnVersions, version_json
from tests.unit.past_bench import DARK, DAY, DOWN, JULY, JUNE, Past

FIRST = Past([(JUNE, JUNE + 60, DARK), (JUNE + DAY, JUNE + DAY + 9, DOWN)]).month()
SECOND = Past([(JUNE, JUNE + 60, DOWN), (JUNE + DAY, JUNE + DAY + 9, DOWN)]).month()


class Versions(OnVersions):
    """Answers about one circuit from a store."""

    def __init__(self, store: TelemetryStore, *owns: Ownership) -> None:
        self._store_of, self._owns, self._now = store, owns, self

    def _visible(self, *_: Any) -> Any:
        return {"C": self._owns}

    @contextmanager
    def _snapshot(self) -> Any:
        yield self._store_of.writer


def told(store: TelemetryStore, *owns: tuple[int, int]) -> tuple[MonthVersion, ...]:
    mine = [Ownership("a", *one) for one in owns or ((JUNE, JULY),)]
    found = Versions(store, *mine).versions(AllCustomers(commercial=True), "C", "2026-06")
    assert found is not None
    return found


@pytest.fixture
def store(memory_store: TelemetryStore) -> TelemetryStore:
    for number, answer in ((1, FIRST), (2, SECOND)):
        memory_store.writer.execute(
            "insert into verdict_history values "
            "('C', '2026-06', ?, ?, 0, false, '', 'why', ?, null)",
            [number, number * 1_000_000, json.dumps(to_json(answer, commercial=True))],
        )
    return memory_store


def came(store: TelemetryStore, kind: str, samples: int) -> None:
    store.writer.execute(
        "insert into restatement_causes values ('C', '2026-06', 2, 0, 9, ?, 5, ?)", [kind, samples]
    )


def causes(store: TelemetryStore) -> list[tuple[str, str]]:
    first, second = told(store)
    assert first.causes == ()
    return [(one.kind, one.what) for one in second.causes]


def test_samples_that_came_late_are_said_and_counted_where_they_are_known(store) -> None:
    assert causes(store) == [("late data", "samples came late")]
    came(store, "late", 1_234)
    assert causes(store) == [("late data", "1,234 samples came late")]
    came(store, "conflicting", 5)
    assert causes(store) == [
        ("late data", "1,234 samples came late, 5 of them or others in conflict with what was "
         "there"),
    ]  # fmt: skip


def test_samples_in_conflict_are_a_cause_of_their_own(store) -> None:
    came(store, "conflicting", 5)

    assert ("late data", "0 samples came late, 5 of them or others in conflict with what was there"
            ) in causes(store)  # fmt: skip


@pytest.mark.parametrize(
    ("owns", "shown"),
    [
        (((JUNE, JULY),), 2), (((JUNE - 9, JULY + 9),), 2), (((JUNE + 1, JULY),), 0),
        (((JUNE, JULY - 1),), 0), (((0, 1), (JUNE, JULY)), 2),
        (((0, JUNE + 9), (JUNE + 9, JULY)), 0),
    ],
)  # fmt: skip
def test_a_calculation_is_told_to_who_may_see_all_of_its_month(
    store, owns: tuple[tuple[int, int], ...], shown: int
) -> None:
    assert len(told(store, *owns)) == shown


def test_a_calculation_has_its_numbers_and_those_before(store) -> None:
    first, second = (version_json(one) for one in told(store))

    assert first["before"] is None
    assert first["after"] == second["before"]
    assert (first["calculated_at"], second["version"]) == ("1970-01-01T00:00:01Z", 2)
    whole = 30 * DAY - 69
    assert first["after"] == {
        "verdict": "met", "final": True, "availability": "99.99965",
        "seconds": {"up": whole, "down": 9, "excluded": 0, "unmeasured": 60},
    }  # fmt: skip
    assert second["after"] == {
        "verdict": "met", "final": True, "availability": "99.99733",
        "seconds": {"up": whole, "down": 69, "excluded": 0, "unmeasured": 0},
    }  # fmt: skip
