"""How verdicts stand is read once and remembered; what was rolled back is forgotten."""

from sla import standing
from sla.standing import Standing, StandingVerdicts

ROWS = [
    ("A", "2025-09", 1, "met", "a1"),
    ("A", "2025-10", 1, "met", "a2"),
    ("A", "2025-10", 2, "breached", "a3"),
    ("A", "2025-10", 10, "met", None),
    ("B", "2025-10", 3, "met", "b1"),
]


def append(store, *rows) -> None:
    for circuit_id, month, version, verdicts, basis in rows:
        store.writer.execute(
            "insert into verdict_history values (?, ?, ?, 0, 0, false, ?, '', '', ?)",
            [circuit_id, month, version, verdicts, basis],
        )


def cheat(store) -> None:
    """Change what is in the table, so that only who reads it again can see it."""
    store.writer.execute("update verdict_history set verdicts = 'read again'")


def verdicts(found) -> set[str]:
    return {one.verdicts for one in found.values()}


def test_the_latest_calculation_of_each_month_stands(memory_store) -> None:
    append(memory_store, *ROWS)

    assert StandingVerdicts().of(memory_store.writer, ["A", "nobody"]) == {
        ("A", "2025-09"): Standing(1, "met", "a1"),
        ("A", "2025-10"): Standing(10, "met", None),
    }


def test_what_is_known_is_not_read_again(memory_store) -> None:
    append(memory_store, *ROWS)
    known = StandingVerdicts()
    found = known.of(memory_store.writer, ["A", "C"])
    cheat(memory_store)

    assert known.of(memory_store.writer, ["A", "C"]) == found
    assert verdicts(known.of(memory_store.writer, ["B"])) == {"read again"}


def test_what_was_appended_is_known(memory_store) -> None:
    append(memory_store, *ROWS)
    known = StandingVerdicts()
    known.of(memory_store.writer, ["A", "B", "C"])
    new = {("B", "2025-10"): Standing(4, "breached", "b2"), ("C", "2025-10"): Standing(1, "x", "c")}
    append(memory_store, ("B", "2025-10", 4, "breached", "b2"), ("C", "2025-10", 1, "x", "c"))
    known.appended(new)
    cheat(memory_store)

    assert known.of(memory_store.writer, ["B", "C"]) == new
    assert known.of(memory_store.writer, ["A"])["A", "2025-10"] == Standing(10, "met", None)


def test_what_was_rolled_back_is_forgotten(memory_store) -> None:
    append(memory_store, *ROWS)
    known = StandingVerdicts()
    before = known.of(memory_store.writer, ["A", "B"])
    memory_store.writer.execute("begin")
    append(memory_store, ("B", "2025-10", 4, "breached", "b2"))
    known.appended({("B", "2025-10"): Standing(4, "breached", "b2")})
    memory_store.writer.execute("rollback")

    assert known.of(memory_store.writer, ["A", "B"]) == before


def test_what_others_appended_is_seen(memory_store) -> None:
    append(memory_store, *ROWS)
    known = StandingVerdicts()
    known.of(memory_store.writer, ["B"])
    append(memory_store, ("B", "2025-11", 1, "met", None))

    assert len(known.of(memory_store.writer, ["B"])) == 2


def months_of(*circuits: str) -> list[tuple[str, str, int, str, str]]:
    return [(name, f"2025-0{n}", 1, "met", "") for name in circuits for n in (1, 2)]


def test_memory_is_bounded_and_keeps_who_was_asked_for_last(memory_store, monkeypatch) -> None:
    monkeypatch.setattr(standing, "_MONTHS_MAX", 4)
    append(memory_store, *months_of("A", "B", "C"))
    known = StandingVerdicts()
    assert len(known.of(memory_store.writer, ["A", "B", "C"])) == 6, "also more than it keeps"
    for name in ("A", "B", "A", "C"):
        known.of(memory_store.writer, [name])
    cheat(memory_store)

    assert verdicts(known.of(memory_store.writer, ["A", "C"])) == {"met"}
    assert verdicts(known.of(memory_store.writer, ["B"])) == {"read again"}


def test_another_calculation_of_a_month_takes_no_more_room(memory_store, monkeypatch) -> None:
    monkeypatch.setattr(standing, "_MONTHS_MAX", 4)
    append(memory_store, *months_of("A", "B"))
    known = StandingVerdicts()
    known.of(memory_store.writer, ["A", "B"])
    for version in range(2, 9):
        append(memory_store, ("B", "2025-02", version, "met", ""))
        known.appended({("B", "2025-02"): Standing(version, "met", "")})
    cheat(memory_store)
    assert verdicts(known.of(memory_store.writer, ["A"])) == {"met"}

    append(memory_store, ("B", "2025-03", 1, "met", ""))
    known.appended({("B", "2025-03"): Standing(1, "met", "")})
    assert verdicts(known.of(memory_store.writer, ["A"])) == {"met"}
    assert verdicts(known.of(memory_store.writer, ["B"])) == {"read again", "met"}


def test_appended_months_of_forgotten_circuits_are_read(memory_store) -> None:
    append(memory_store, *ROWS)
    known = StandingVerdicts()
    known.of(memory_store.writer, ["A"])
    append(memory_store, ("B", "2025-11", 1, "met", "b2"))
    known.appended({("B", "2025-11"): Standing(1, "met", "b2")})

    assert len(known.of(memory_store.writer, ["B"])) == 2
