"""What a changed verdict is held against: the statements, row by row."""

from typing import Any

import pytest

from linksla.sql import statement
from linksla.stores import TelemetryStore


@pytest.fixture
def store(memory_store: TelemetryStore) -> TelemetryStore:
    def put(table: str, *rows: tuple[Any, ...]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        for row in rows:
            memory_store.writer.execute(f"insert into {table} values ({marks})", row)

    put("channels", (1, "C", "a", 7, 30, 0, None), (2, "D", "a", 8, 10, 0, None))
    put(
        "verdict_history",
        *(("C", "2026-06", number, number * 10, number * 100, False, f"v{number}", f"why {number}",
           "{}", None)
          for number in (1, 2, 3)),
        ("C", "2026-07", 2, 0, 777, False, "", "other month", "{}", None),
        ("D", "2026-06", 2, 0, 888, False, "", "other circuit", "{}", None),
    )  # fmt: skip
    put("offsets", ("t", 7, 0, 50, None), ("u", 7, 0, 90, None), ("t", 8, 0, 30, None))
    put(
        "restatement_causes",
        *(("C", "2026-06", 3, 0, 9, kind, day, samples)
          for kind, day, samples in (("late", 5, 2), ("late", 5, 3), ("conflicting", 6, 4),
                                     ("conflicting", 6, 5))),
        ("C", "2026-06", 2, 0, 9, "late", 5, 7),
        ("D", "2026-06", 2, 0, 9, "late", 5, 11),
    )  # fmt: skip
    return memory_store


def rows(store: TelemetryStore, name: str, **inputs: Any) -> list[tuple[Any, ...]]:
    return store.writer.execute(statement("sla", name), inputs).fetchall()


def test_the_calculation_before_says_how_far_it_was_complete(store) -> None:
    def before(circuit: str, version: int, month: str = "2026-06") -> list[tuple[Any, ...]]:
        return rows(
            store, "restatement_before", circuit_id=circuit, month=month,
            calculation_version=version,
        )  # fmt: skip

    assert before("C", 3) == [(200, 7, 30)]
    assert before("C", 4) == [(300, 7, 30)]
    assert before("C", 1) == []
    assert before("D", 3) == [(888, 8, 10)]
    assert before("C", 3, "2026-07") == [(777, 7, 30)]


def test_marks_are_the_newest_watermark_of_each_partition_and_the_ledgers_last_row(store) -> None:
    assert sorted(rows(store, "restatement_marks")) == [(7, 90, -1), (8, 30, -1)]
    for _ in range(3):
        store.writer.execute("insert into ledger (kind, count, detail) values ('late', 1, '')")
    assert sorted(rows(store, "restatement_marks")) == [(7, 90, 2), (8, 30, 2)]


def test_samples_are_those_that_came_since_of_the_days_asked(store) -> None:
    for kind, circuit, day, count, detail in (
        ("late", "C", 5, 1, ""), ("late", "C", 5, 2, ""), ("conflicting", "C", 6, 4, ""),
        ("late", "C", 4, 8, ""), ("late", "C", 8, 16, ""), ("duplicate", "C", 5, 32, ""),
        ("late", "C", 5, 64, "too old"), ("late", "D", 5, 128, ""), ("late", "C", 7, 256, ""),
        ("late", "C", 5, 512, ""),
    ):  # fmt: skip
        store.writer.execute(
            "insert into ledger (kind, circuit_id, day, count, detail) values (?, ?, ?, ?, ?)",
            [kind, circuit, day, count, detail],
        )

    def since(row: int) -> list[tuple[Any, ...]]:
        return rows(
            store, "restatement_samples", circuit_id="C", after_row=row, first_day=5, last_day=7
        )

    assert since(-1) == [("conflicting", 6, 4), ("late", 5, 515), ("late", 7, 256)]
    assert since(0) == [("conflicting", 6, 4), ("late", 5, 514), ("late", 7, 256)]
    assert since(8) == [("late", 5, 512)]


def test_verdicts_that_changed_are_told_with_the_samples_of_each_kind(store) -> None:
    assert rows(store, "restatements", circuit_ids=["C"]) == [
        ("C", 5, "2026-06", 2, 0, 9, 7, 0, "why 2"), ("C", 5, "2026-06", 3, 0, 9, 5, 0, "why 3"),
        ("C", 6, "2026-06", 3, 0, 9, 0, 9, "why 3"),
    ]  # fmt: skip
    assert [row[0] for row in rows(store, "restatements", circuit_ids=["D"])] == ["D"]


def test_lines_of_the_ledger_are_added_up(store) -> None:
    for count in (2, 3):
        store.writer.execute(
            "insert into ledger (kind, circuit_id, channel, day, count, detail) "
            "values ('late', 'C', 'a', 5, ?, '')",
            [count],
        )

    ((kind, circuit, channel, day, count, detail),) = rows(
        store, "ledger", circuit_ids=["C"], whole_stream=False
    )
    assert (kind, circuit, channel, day, count, detail) == ("late", "C", "a", 5, 5, "")


def test_a_months_calculations_are_told_with_what_changed_them(store) -> None:
    asked = {"circuit_id": "C", "month": "2026-06"}

    assert sorted(rows(store, "verdict_versions", **asked)) == [
        (number, number * 10, f"why {number}", "{}") for number in (1, 2, 3)
    ]
    assert sorted(rows(store, "verdict_causes", **asked)) == [(2, 7, 0), (3, 5, 9)]
    store.writer.execute(
        "insert into restatement_causes values ('C', '2026-07', 2, 0, 9, 'conflicting', 5, 6)"
    )
    assert rows(store, "verdict_causes", circuit_id="C", month="2026-07") == [(2, 0, 6)]
    for month, final in (("2026-08", False), ("2026-09", True)):
        store.writer.execute(
            "insert into verdict_history values ('C', ?, 1, 0, 0, ?, 'v', '', '', 'basis')",
            [month, final],
        )
    assert sorted(rows(store, "verdicts_standing", circuit_ids=["C"])) == [
        ("C", "2026-06", 3, "v3", None, False), ("C", "2026-07", 2, "", None, False),
        ("C", "2026-08", 1, "v", "basis", False), ("C", "2026-09", 1, "v", None, True),
    ]  # fmt: skip
