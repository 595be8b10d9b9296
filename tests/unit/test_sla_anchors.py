"""What a month was summed up to at an earlier instant: kept now and then, taken up at an onset."""

import pytest

from sla import observing
from sla.observing import Performance
from tests.unit.test_sla_observing import DAY, MINUTE, Minutes, answers, circuit, facts, period

APART = 30 * MINUTE


class Months:
    """Some circuits whose months grow, with what is read of them."""

    def __init__(self, count: int = 1) -> None:
        self.circuits = [circuit(number) for number in range(1, count + 1)]
        self.read = Minutes()
        self.judge = Performance(self.read)
        self.ledger = 0

    def up_to(self, ends: int, *, number: int = 0, onset: int | None = None) -> int:
        """Judge a month that was up to its end, or to an onset; return how many minutes were read.

        The answers are those of who has summed nothing before.
        """
        one, rows = self.circuits[number]
        known = facts(rows, ledger=self.ledger)
        asked = one, period(one, [(0, ends if onset is None else onset)], ends)
        self.read.reads.clear()
        assert answers(self.judge, known, asked) == answers(Performance(Minutes()), known, asked)
        return self.read.minutes

    def anchors(self, number: int = 0) -> list[int]:
        """Return up to which minute after the first day sums are kept, oldest first."""
        name = self.circuits[number][0].id
        return [
            (kept.ends_s - DAY) // MINUTE
            for key, many in self.judge._anchors.items()
            if key[0] == name
            for kept in many
        ]


def test_two_at_most_are_kept_half_an_hour_apart_of_what_was_replaced() -> None:
    months = Months()
    months.up_to(DAY)
    assert months.anchors() == [], "nothing was replaced"
    seen = {}
    for minute in range(1, 95):
        months.up_to(DAY + minute * MINUTE)
        seen[minute] = months.anchors()

    assert seen[1] == seen[30] == [0]
    assert seen[31] == seen[60] == [0, 30]
    assert seen[61] == seen[90] == [30, 60], "the sums that the newest ones replaced"
    assert seen[91] == [60, 90]


def test_an_onset_takes_up_the_newest_sums_that_still_hold() -> None:
    months = Months()
    for minute in range(95):
        months.up_to(DAY + minute * MINUTE)
    assert months.anchors() == [60, 90]

    assert months.up_to(DAY + 95 * MINUTE, onset=DAY + 93 * MINUTE) == 3, "90 to 93"
    months = Months()
    for minute in range(95):
        months.up_to(DAY + minute * MINUTE)
    assert months.up_to(DAY + 95 * MINUTE, onset=DAY + 80 * MINUTE) == 20, "60 to 80"
    assert months.anchors()[0] == 60


def test_where_all_was_read_anew_no_older_sums_are_kept() -> None:
    for change in ("ledger", "onset"):
        months = Months()
        for minute in range(62):
            months.up_to(DAY + minute * MINUTE)
        assert months.anchors() == [30, 60]
        onset = DAY - MINUTE if change == "onset" else None
        months.ledger += change == "ledger"

        assert months.up_to(DAY + 62 * MINUTE, onset=onset) >= DAY // MINUTE - 1
        assert months.anchors() == []


def test_they_are_kept_of_those_that_grew_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_ANCHORS_MAX", 2)
    months = Months(3)
    for number in (0, 1, 0, 2):
        ends = DAY + len(months.anchors(number)) * MINUTE
        months.up_to(ends, number=number)
        months.up_to(ends + APART, number=number)

    assert [bool(months.anchors(number)) for number in range(3)] == [True, False, True]
