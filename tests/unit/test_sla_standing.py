"""How verdicts stand is read once and remembered; what was rolled back is forgotten."""

import pytest

from sla import standing
from sla.latest import Latest
from sla.standing import Standing, standing_verdicts

ROWS = [
    ("A", "2025-09", 1, "met", "a1"),
    ("A", "2025-10", 1, "met", "a2"),
    ("A", "2025-10", 2, "breached", "a3"),
    ("A", "2025-10", 10, "met", None),
    ("B", "2025-10", 3, "met", "b1"),
]
FOURTH = Standing(4, "breached", "b2")


class Table:
    """The table, and a memory before it."""

    def __init__(self, store, rows=ROWS) -> None:
        self.writer = store.writer
        self.append(*rows)
        self.known: Latest[str, Standing] = standing_verdicts()

    def append(self, *rows, final: bool = False) -> None:
        for circuit_id, month, version, verdicts, basis in rows:
            self.writer.execute(
                "insert into verdict_history values (?, ?, ?, 0, 0, ?, ?, '', '', ?)",
                [circuit_id, month, version, final, verdicts, basis],
            )

    def take_over(self, circuit_id, month, one) -> None:
        """Append a calculation, as its evaluator does."""
        self.append((circuit_id, month, one.version, one.verdicts, one.basis))
        self.known.appended([(circuit_id, month, one)])

    def cheat(self) -> None:
        """Change what is in the table, so that only who reads it again can see it."""
        self.writer.execute("update verdict_history set verdicts = 'read again'")

    def of(self, *circuit_ids):
        return self.known.of(self.writer, circuit_ids)

    def verdicts(self, *circuit_ids) -> set[str]:
        found = self.of(*circuit_ids)
        return {one.verdicts for months in found.values() for one in months.values()}


@pytest.fixture
def table(memory_store) -> Table:
    return Table(memory_store)


def test_the_latest_calculation_of_each_month_stands(table) -> None:
    assert table.of("A", "nobody") == {
        "A": {"2025-09": Standing(1, "met", "a1"), "2025-10": Standing(10, "met", None)},
        "nobody": {},
    }


def test_what_is_known_is_not_read_again(table) -> None:
    found = table.of("A", "C")
    table.cheat()

    assert table.of("A", "C") == found
    assert table.verdicts("B") == {"read again"}


def test_what_was_appended_is_known(table) -> None:
    found = table.of("A", "B", "C")
    table.take_over("B", "2025-10", FOURTH)
    table.take_over("C", "2025-10", Standing(1, "x", "c"))
    table.cheat()

    assert table.of("B", "C") == {
        "B": {"2025-10": FOURTH},
        "C": {"2025-10": Standing(1, "x", "c")},
    }
    assert table.of("A")["A"] == found["A"]
    assert found["C"] == {}, "what was answered stays as it was"


def test_what_was_rolled_back_is_forgotten(table) -> None:
    before = table.of("A", "B")
    table.writer.execute("begin")
    table.take_over("B", "2025-10", FOURTH)
    assert table.of("B") == {"B": {"2025-10": FOURTH}}
    table.writer.execute("rollback")

    assert table.of("A", "B") == before


def test_what_others_appended_is_seen(table) -> None:
    table.of("B")
    table.append(("B", "2025-11", 1, "met", None))

    assert len(table.of("B")["B"]) == 2


def weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have room for two circuits with two months each."""
    for name, weight in (("_WEIGHT_MAX", 6), ("_CIRCUIT", 1), ("_OPEN", 1)):
        monkeypatch.setattr(standing, name, weight)


def months_of(*circuits: str) -> list[tuple[str, str, int, str, str]]:
    return [(name, f"2025-0{n}", 1, "met", "") for name in circuits for n in (1, 2)]


def test_memory_is_bounded_and_keeps_who_was_asked_for_last(memory_store, monkeypatch) -> None:
    weigh(monkeypatch)  # of two circuits with two months
    table = Table(memory_store, months_of("A", "B", "C"))
    assert len(table.of("A", "B", "C")) == 3, "also more than it keeps"
    for name in ("A", "B", "A", "C"):
        table.of(name)
    table.cheat()

    assert table.verdicts("A", "C") == {"met"}
    assert table.verdicts("B") == {"read again"}


def test_another_calculation_of_a_month_takes_no_more_room(memory_store, monkeypatch) -> None:
    weigh(monkeypatch)
    table = Table(memory_store, months_of("A", "B"))
    table.of("A", "B")
    for version in range(2, 9):
        table.take_over("B", "2025-02", Standing(version, "met", ""))
    table.cheat()
    assert table.verdicts("A") == {"met"}

    table.take_over("B", "2025-03", Standing(1, "met", ""))
    assert table.verdicts("A") == {"met"}
    assert table.verdicts("B") == {"read again"} | {"met"}, "it had to go for its new month"


def test_circuits_without_months_take_room_too(memory_store, monkeypatch) -> None:
    weigh(monkeypatch)
    table = Table(memory_store, months_of("A"))
    table.of("A")
    table.of("nobody 1", "nobody 2", "nobody 3")
    table.cheat()
    assert table.verdicts("A") == {"met"}

    table.of("nobody 4", "nobody 5", "nobody 6", "nobody 7")
    assert table.verdicts("A") == {"read again"}


def test_what_was_forgotten_takes_no_room(memory_store, monkeypatch) -> None:
    weigh(monkeypatch)
    table = Table(memory_store, months_of("A", "B"))
    for number in range(9):
        table.append(("Z", f"month {number}", 1, "met", ""))
        table.of("A", "B")
    table.cheat()

    assert table.verdicts("A", "B") == {"met"}


def test_appended_months_of_forgotten_circuits_are_read(table) -> None:
    table.of("A")
    table.take_over("B", "2025-11", Standing(1, "met", "b2"))
    table.take_over("A", "2025-11", Standing(1, "met", "a4"))
    table.cheat()

    assert table.verdicts("B") == {"read again"}
    assert table.verdicts("A") == {"met"}


def test_final_months_that_say_the_same_are_one_without_what_they_are_compared_with(table) -> None:
    table.append(("C", "2025-08", 1, "met", "c1"), ("D", "2025-08", 1, "met", "d1"), final=True)
    table.append(("C", "2025-09", 1, "met", "c2"))

    found = table.of("C", "D")
    assert found["C"] == {"2025-08": Standing(1, "met", None), "2025-09": Standing(1, "met", "c2")}
    assert found["C"]["2025-08"] is found["D"]["2025-08"]
    assert found["C"]["2025-08"] is Standing.of(1, "met", "any", final=True)
    assert Standing.of(1, "met", "any", final=False) == Standing(1, "met", "any")


def test_a_final_month_weighs_a_sixth_of_an_open_one(memory_store, monkeypatch) -> None:
    monkeypatch.setattr(standing, "_WEIGHT_MAX", 4 + 6 + 6 + 4)  # A with two, and B with none
    table = Table(memory_store, months_of("A"))
    table.of("A", "B")
    table.cheat()
    assert table.verdicts("A") == {"met"}
    table.take_over("A", "2025-01", Standing.of(2, "met", "", final=True))  # 5 less
    table.take_over("B", "2025-01", Standing.of(1, "met", "", final=True))
    for number in range(4):
        table.take_over("B", f"2024-0{number}", Standing.of(1, "met", "", final=True))
    assert table.verdicts("A", "B") == {"met"}

    table.take_over("B", "2024-05", Standing.of(1, "met", "", final=True))
    assert table.verdicts("B") == {"met"}
    assert table.verdicts("A") == {"met", "read again"}, "it had to go"
