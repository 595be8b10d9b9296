"""Which final months are not judged again, and what makes them be."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from processors.held import Held
from sla.answers import MonthAnswer
from sla.final_months import FinalMonths, _decided
from sla.history import CircuitHistory, Historian
from sla.periods import Ownership
from sla.telemetry import ChannelRow, Telemetry
from tests.unit.looks_bench import ending
from tests.unit.past_bench import DAY, JULY, JUNE, Past

MAY = JUNE - 31 * DAY
END = JULY + 10 * DAY
GRID, DECISIVE = 10, 30
VERSIONS = {("C", "2026-05"): 1, ("C", "2026-06"): 2, ("C", "2026-07"): 1}
EVERY = ("2026-05", "2026-06", "2026-07")
HISTORY = Past(begins=MAY, complete=END).history()


@dataclass
class Now:
    """What the months of circuit C follow from."""

    reworked: int = 0
    ledger: int = 7
    channels: tuple[ChannelRow, ...] = (ChannelRow("C", "a", 3, MAY, None),)
    basis: object = "its windows"
    owner: str = "acme"

    def begin(self, months: FinalMonths, *, is_held: bool = True) -> None:
        counts = {"C": self.ledger} if self.ledger else {}
        facts = Telemetry({"C": self.channels}, {}, {}, {}, {}, counts, {})
        owns = {"C": (Ownership(self.owner, MAY, END), Ownership("b", END, END + 1))}
        held = SimpleNamespace(reworked=lambda keys: self.reworked if keys == [3] else -1)
        historian = SimpleNamespace(basis=lambda name: (name, self.basis))
        months.begin(facts, cast(Held, held) if is_held else None, cast(Historian, historian), owns)


def answer(month: str, end_s: int, version: int = 1, *, final: bool = True) -> MonthAnswer:
    open_month = Past(begins=MAY, complete=END).month()
    return replace(
        open_month, month=month, month_end_s=end_s, calculation_version=version, final=final
    )


JUDGED = answer("2026-05", JUNE), answer("2026-06", JULY, 2)


def rest(months: FinalMonths, versions: Any = None, history: CircuitHistory = HISTORY) -> Any:
    owns = (Ownership("acme", MAY, END),)
    known = VERSIONS if versions is None else versions
    (asked,) = months.asked({"C": history}, {"C": owns}, known)
    assert (asked.history, asked.owns) == (history, owns)
    return asked.months


def known(*judged: MonthAnswer) -> FinalMonths:
    months = FinalMonths()
    Now().begin(months)
    assert rest(months) == EVERY
    months.note(HISTORY, judged)
    return months


def test_what_is_final_and_as_it_was_is_not_judged_again() -> None:
    months = known(*JUDGED)

    assert rest(months) == ("2026-07",)
    Now().begin(months)
    assert rest(months) == ("2026-07",)
    asked = months.asked({"D": HISTORY}, {"D": (Ownership("acme", MAY, END),)}, VERSIONS)
    assert asked[0].months == EVERY, "of another circuit nothing is known"


def test_the_last_month_is_always_judged() -> None:
    months = known(*JUDGED)
    ended = Past(begins=MAY, complete=JULY).history()

    assert rest(months, history=ended) == ("2026-06",)


@pytest.mark.parametrize(
    "changed",
    [
        Now(reworked=1), Now(ledger=8), Now(ledger=0), Now(basis="another window"),
        Now(owner="globex"), Now(channels=(ChannelRow("C", "a", 3, MAY, END),)),
    ],
)  # fmt: skip
def test_whatever_a_month_follows_from_has_it_judged_again(changed: Now) -> None:
    months = known(*JUDGED)
    changed.begin(months)

    assert rest(months) == EVERY
    months.note(HISTORY, JUDGED[:1])
    assert rest(months) == ("2026-06", "2026-07"), "only what was judged since stands"
    months.note(HISTORY, JUDGED[1:])
    assert rest(months) == ("2026-07",)


def test_the_first_line_in_the_ledger_has_all_judged_again() -> None:
    months = FinalMonths()
    for ledger, asked in ((0, EVERY), (0, ("2026-07",)), (1, EVERY)):
        Now(ledger=ledger).begin(months)
        assert rest(months) == asked
        months.note(HISTORY, JUDGED)


def test_what_is_not_certain_is_neither_noted_nor_left_out() -> None:
    months = known(*JUDGED)
    Now().begin(months, is_held=False)

    assert rest(months) == EVERY
    months.note(HISTORY, JUDGED)
    Now(reworked=1).begin(months)
    assert rest(months) == EVERY


def test_a_calculation_that_is_not_recorded_is_judged_again() -> None:
    months = known(*JUDGED)

    assert rest(months, VERSIONS | {("C", "2026-06"): 1}) == ("2026-06", "2026-07")
    assert rest(months, {("C", "2026-06"): 2}) == ("2026-05", "2026-07")
    assert rest(months, {}) == EVERY


def test_a_month_that_is_not_final_or_not_decided_is_judged_again() -> None:
    assert rest(known(answer("2026-05", JUNE, final=False), JUDGED[1])) == ("2026-05", "2026-07")
    assert rest(known(answer("2026-05", END), JUDGED[1])) == ("2026-05", "2026-07")


def test_circuits_with_the_same_months_share_them() -> None:
    months = known(*JUDGED)
    ((_, first),) = months._known.values()
    months.note(HISTORY, JUDGED)
    ((_, second),) = months._known.values()

    assert second is first


def of(text: str, *, good: str | None = None, bad: str | None = None) -> CircuitHistory:
    """Return a history that ends a minute after June; up before what is said."""
    (part,) = HISTORY.complete
    runs, unknown_good, unknown_bad = (
        ending(text if one is None else one, JULY + 60, MAY) for one in (text, good, bad)
    )
    told = replace(
        part, end_s=JULY + 60, runs=runs, unknown_good=unknown_good, unknown_bad=unknown_bad
    )
    return replace(HISTORY, complete=(told,))


@pytest.mark.parametrize(
    ("history", "decided"),
    [
        (of("U120"), True),
        (of("D30 U90"), True),
        (of("D100 U61"), True),  # a second before the month ends it is up
        (of("D100 U60"), False),
        (of("U90 D30"), True),  # up for three cells of the next month
        (of("U89 D31"), False),
        (of("D120"), False),
        (of("U50 b70"), False), (of("U50 g70"), False), (of("U50 M70"), False),
        (of("U50 E70"), False),
        (of("U120", good="U50 M70"), False),
        (of("U120", bad="U50 D70"), False),
    ],
)  # fmt: skip
def test_a_month_is_decided_where_the_circuit_is_up_over_its_end_in_every_case(
    history: CircuitHistory, decided: bool
) -> None:
    assert _decided(history, JULY) is decided


def test_a_month_that_ends_with_what_is_known_is_not_decided() -> None:
    assert not _decided(of("U120"), JULY + 60)
    assert not _decided(of("U120"), JULY + 61)
    assert not _decided(of("U120"), MAY)
    two = replace(of("U120"), complete=(Past(begins=MAY, complete=JUNE).history().complete[0],
                                        *of("U120").complete))  # fmt: skip
    assert _decided(two, JULY)


def test_up_as_experienced_only_is_not_decided() -> None:
    (part,) = of("U120").complete
    runs = tuple(replace(run, as_experienced=run.bucket.DOWN) for run in part.runs)

    assert not _decided(replace(HISTORY, complete=(replace(part, runs=runs),)), JULY)
