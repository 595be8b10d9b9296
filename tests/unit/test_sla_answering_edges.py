"""What many circuits and months are answered with, and which network answers: by hand."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import duckdb
import pytest

from linksla.inventory import Customer, Inventory, Price
from linksla.inventory import Ownership as Owner
from linksla.stores import TelemetryStore
from processors.held import Commits
from sla.answering import AnsweredMonths, AskedMonths, month_answers
from sla.answers import ObjectiveAnswer, Outcome
from sla.closed import ClosedMonths
from sla.looks import Sums
from sla.network import OnNetwork
from sla.observing import Kept, Performance
from sla.ownership import owned
from sla.periods import Period
from sla.scope import AllCustomers, OnlyCustomers, Scope
from sla.telemetry import Telemetry
from tests.unit.past_bench import DAY, JUNE, ONE, Past
from tests.unit.told_bench import circuit, facts, window

ALL = AllCustomers(commercial=True)


@dataclass
class Seen:
    """What was observed of a period, known by its beginning."""

    start_s: int

    @property
    def answers(self) -> tuple[ObjectiveAnswer, ...]:
        return (ObjectiveAnswer(f"at {self.start_s}", "1", "1", "ms", Outcome.MET, ""),)

    def sums(self, period: Period) -> Sums:
        return Sums((), (Outcome.MET,), period.start_s + self.start_s)


@dataclass
class Observer:
    """Keeps which periods were asked; of `silent` ones nothing was observed."""

    silent: bool = False
    asked: list[tuple[str, int]] = field(default_factory=list)

    def judged(self, cursor: Any, facts: Any, wanted: Any) -> list[Seen | None]:
        self.asked = [(one.id, period.start_s) for one, period in wanted]
        return [None if self.silent else Seen(start) for _, start in self.asked]


def priced(name: str, *days: int) -> AskedMonths:
    """Return June and July of a circuit whose price changes on days of June."""
    prices = tuple(
        Price(amount=1, currency="EUR", start=JUNE + day * DAY if day else None)
        for day in (0, *days)
    )
    past = Past(circuit={"id": name, "prices": prices})
    history = past.history()
    return AskedMonths(history, owned(history.circuit, ALL), ("2026-06",))


def answered(
    observer: Observer, *asked: AskedMonths, known: Telemetry | None = None
) -> list[AnsweredMonths]:
    return month_answers(
        cast(duckdb.DuckDBPyConnection, None), known or facts(), cast(Performance, observer),
        ClosedMonths(), asked, 0,
    )  # fmt: skip


def test_each_circuit_gets_its_own_months_and_the_last_segments_sums() -> None:
    observer = Observer()

    one, none, three = answered(
        observer, priced("A"), replace(priced("B"), months=("2020-01",)), priced("C", 10, 20)
    )

    assert observer.asked == [
        ("A", JUNE), ("C", JUNE), ("C", JUNE + 10 * DAY), ("C", JUNE + 20 * DAY)
    ]  # fmt: skip
    assert [len(one.answers), len(none.answers), len(three.answers)] == [1, 0, 1]
    assert one.answers[0].circuit_id == "A"
    assert [one.start_s for one in three.answers[0].segments] == [
        JUNE, JUNE + 10 * DAY, JUNE + 20 * DAY
    ]  # fmt: skip
    assert three.last is not None
    assert three.last.start_s == JUNE + 20 * DAY
    assert three.sums == Sums((), (Outcome.MET,), 2 * (JUNE + 20 * DAY))
    assert (none.last, none.kept, none.sums) == (None, None, None)


def test_of_several_months_the_last_one_is_summed_on() -> None:
    (found,) = answered(Observer(), replace(priced("A"), months=("2026-06", "2026-07")))

    assert [one.month for one in found.answers] == ["2026-06", "2026-07"]
    assert found.last is not None
    assert found.last.month == "2026-07"
    assert found.sums is not None


def test_where_nothing_is_observed_there_are_no_sums() -> None:
    (found,) = answered(Observer(silent=True), priced("A"))

    assert found.last is not None
    assert (found.kept, found.sums) == (None, None)
    assert [one.name for one in found.answers[0].objectives] == ["availability"]
    assert AnsweredMonths((), None, cast(Kept, Seen(0))).sums is None


def test_a_month_nobody_calculated_before_is_its_first_calculation() -> None:
    known = replace(facts(), calculation_versions={("B", "2026-06"): 5})

    one, other = answered(Observer(), priced("A"), priced("B"), known=known)

    assert one.answers[0].calculation_version == 1
    assert other.answers[0].calculation_version == 5


CUSTOMERS = {name: Customer(id=name, name=name) for name in ("acme", "globex")}


class Network(OnNetwork):
    """Says which circuits a reader sees."""

    word = "words are no methods"

    def seen(self, scope: Scope, *names: str) -> list[str]:
        """Return the circuits among some names."""
        return list(self._visible(scope, names))

    def everything(self, scope: Scope) -> list[str]:
        """Return all circuits of a reader."""
        return list(self._everything(scope))

    def known(self, *names: str) -> tuple[Telemetry, bool]:
        """Return what is known of circuits, and whether it is the same when asked again."""
        with self.at_once():
            with self._facts(names) as (_, one):
                pass
            with self._facts(names) as (_, other):
                return one, one is other

    def _name(self) -> str:
        return "private"


def network(store: TelemetryStore, *names: str, commits: Commits | None = None) -> Network:
    circuits = {
        name: circuit(name, owners=(Owner(customer="acme" if name < "C" else "globex"),))
        for name in names
    }
    return Network(store, Inventory(CUSTOMERS, circuits), {"c": (ONE,)}, (), None, commits)


def test_a_reader_sees_the_circuits_that_are_there_and_his(memory_store: TelemetryStore) -> None:
    asked = network(memory_store, "A", "B", "C")
    acme = OnlyCustomers(frozenset({"acme"}))

    assert asked.seen(ALL, "X", "C", "A") == ["C", "A"]
    assert asked.seen(acme, "C", "X", "B") == ["B"]
    for _ in range(2):
        assert asked.everything(ALL) == ["A", "B", "C"]
        assert asked.everything(acme) == ["A", "B"]
    for number in range(40):
        assert asked.everything(OnlyCustomers(frozenset({f"{number}"}))) == []
    assert asked.everything(acme) == ["A", "B"]


def test_a_network_that_is_taken_over_answers_from_then_on(memory_store: TelemetryStore) -> None:
    asked = network(memory_store, "A", "B")
    assert asked.everything(ALL) == ["A", "B"]
    assert asked.maintenance == ()

    other = Inventory(CUSTOMERS, {"D": circuit("D")})
    asked.take_over(other, [window(0, 1)])

    assert asked.everything(ALL) == ["D"]
    assert asked.seen(ALL, "A", "D") == ["D"]
    assert [one.id for one in asked.maintenance] == ["W"]
    assert Network.word == "words are no methods"
    assert asked._name() == "private"


def test_what_is_known_is_read_once_for_all_that_is_asked_at_once(
    memory_store: TelemetryStore,
) -> None:
    asked = network(memory_store, "A", "B")

    for names in (("A",), ("A", "B")):
        found, is_same = asked.known(*names)
        assert found.channels == {}
        assert is_same


@pytest.mark.parametrize("given", [False, True])
def test_what_the_writer_holds_is_asked_where_there_is_one(
    memory_store: TelemetryStore, given: bool
) -> None:
    commits = Commits() if given else None

    asked = network(memory_store, "A", commits=commits)

    assert isinstance(asked._commits, Commits)
    assert (asked._commits is commits) is given
