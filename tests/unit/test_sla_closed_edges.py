"""What is remembered of a month that is over: all that its answer follows from, and no less."""

from dataclasses import dataclass, replace
from itertools import permutations

import pytest

from linksla.inventory import Ownership as Owner
from linksla.inventory import Price
from sla.answers import MonthAnswer, ObjectiveAnswer, Outcome
from sla.closed import ClosedMonths
from sla.exclusions import Decision, Excluded
from sla.maintenance import MaintenanceWindow
from sla.months import month_answer
from sla.periods import Ownership, Version
from tests.unit.past_bench import DARK, DAY, DOWN, HOUR, JULY, JUNE, MIDDLE, ONE, Past, word_about

FIRST, LAST = JUNE + 10 * DAY, JUNE + 20 * DAY
CLOSE_AFTER = 500
SETTLED = JULY + 30 + CLOSE_AFTER
LOST = ((MIDDLE, MIDDLE + HOUR, DOWN), (LAST, LAST + 60, DARK))
THREE = (ONE, replace(ONE, version=2, valid_from=FIRST), replace(ONE, version=3, valid_from=LAST))
WINDOW = MaintenanceWindow(
    id="W", circuit="C", start=FIRST, end=LAST, announced_at=0, proposed_by="noc", reason="work"
)


@dataclass(frozen=True)
class Asked:
    """A month as it is asked for, at one time."""

    past: Past
    version: int = 1
    owns: tuple[Ownership, ...] | None = None
    verdict: Outcome = Outcome.MET

    def of(self, months: ClosedMonths | None) -> MonthAnswer:
        """Answer it from a memory, or without one."""
        history, periods = self.past.history(), self.past.periods(owns=self.owns)
        objectives = [[ObjectiveAnswer("rtt", "1", "1", "ms", self.verdict, "")]] * len(periods)
        answer = month_answer if months is None else months.answer
        return answer(history, periods, objectives, Version(self.version), CLOSE_AFTER)


def outage(lower: int, upper: int, *more: tuple[int, int, object], complete: int = JULY + DAY):
    return Asked(Past([*LOST, (lower, upper, DOWN), *more], complete=complete))


BASE = Asked(Past(LOST))
OTHERS = {
    "settled": Asked(Past(LOST, complete=SETTLED)),
    "not yet settled": Asked(Past(LOST, complete=SETTLED - 1)),
    "just over": Asked(Past(LOST, complete=JULY)),
    "open": Asked(Past(LOST, complete=JULY - 1)),
    "more open": Asked(Past(LOST, complete=JULY - DAY)),
    "a second more down": Asked(Past([(MIDDLE, MIDDLE + HOUR + 1, DOWN), LOST[1]])),
    "a second more unknown": Asked(Past([LOST[0], (LAST, LAST + 61, DARK)])),
    "nothing down": Asked(Past()),
    "another target": Asked(Past(LOST, (replace(ONE, title="U"),))),
    "three versions": Asked(Past(LOST, THREE)),
    "a price": Asked(
        Past(LOST, circuit={"prices": (Price(amount="1", currency="USD", start=MIDDLE),)})
    ),
    "another owner": Asked(Past(LOST, circuit={"owners": (Owner(customer="globex"),)})),
    "an owner's part": Asked(Past(LOST), owns=(Ownership("acme", FIRST, LAST),)),
    "another version": Asked(Past(LOST), version=2),
    "another verdict": Asked(Past(LOST), verdict=Outcome.BREACHED),
    "a window": Asked(Past(LOST, decisions=(Decision(WINDOW, True, "why"),))),
    "what it took out": Asked(
        Past(LOST, decisions=(Decision(WINDOW, True, "why"),),
             excluded=(Excluded(FIRST, FIRST + 1, "W"),))
    ),
    "only taken out": Asked(Past(LOST, excluded=(Excluded(FIRST, FIRST + 1, "W"),))),
    "a word": Asked(Past(LOST, said=(word_about(start=MIDDLE, end=LAST),))),
    "another word": Asked(Past(LOST, said=(word_about("q", start=MIDDLE, end=LAST),))),
    "down to the end": outage(JULY - 60, JULY, complete=JULY),
    "down to the end and up": outage(JULY - 60, JULY),
    "down beyond the end": outage(JULY - 60, JULY + 60),
    "down further": outage(JULY - 60, JULY + 600),
    "down after dark": outage(JULY - 60, JULY - 30, (JULY - 30, JULY + 5, DARK)),
    "down again after dark": outage(
        JULY - 60, JULY - 30, (JULY - 30, JULY + 5, DARK), (JULY + 5, JULY + 9, DOWN)
    ),
    "dark to the end": Asked(Past([*LOST, (JULY - 60, JULY, DARK)])),
    "dark from the end on": Asked(Past([*LOST, (JULY, JULY + 60, DARK)])),
    "all dark": Asked(Past([(JUNE - 30 * DAY, JULY, DARK)])),
}  # fmt: skip


def test_whatever_was_asked_before_the_answer_is_the_one_without_a_memory() -> None:
    asked = {"base": BASE} | OTHERS
    answers = {name: one.of(None) for name, one in asked.items()}

    for before, after in permutations(asked, 2):
        months = ClosedMonths()
        for name in (before, after, before):
            assert asked[name].of(months) == answers[name], (before, after, name)


@pytest.mark.parametrize(
    "after",
    [
        BASE, OTHERS["settled"], OTHERS["not yet settled"], OTHERS["just over"],
        OTHERS["dark from the end on"],
        Asked(Past([*LOST, (JULY, JULY + 60, DOWN)])), Asked(Past([*LOST, (JULY, JULY + 5, DARK)])),
    ],
)  # fmt: skip
def test_a_month_is_not_judged_again_for_what_comes_after_it(after: Asked) -> None:
    months = ClosedMonths()
    first = BASE.of(months)

    again = after.of(months)

    assert again.segments is first.segments
    assert again == after.of(None)


def test_a_month_in_parts_is_remembered_and_one_that_ends_in_an_outage_is_not() -> None:
    months, parts = ClosedMonths(), Asked(Past(LOST, THREE))
    beyond = OTHERS["down beyond the end"]

    first = parts.of(months)

    assert parts.of(months).segments is first.segments
    assert beyond.of(months).segments is not beyond.of(months).segments, "it may still grow"
