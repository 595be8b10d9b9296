"""How complete circuits are, which of them are behind, and how long an answer is kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linksla.clock import ManualClock
from linksla.inventory import Circuit
from linksla.settings import TimeSettings
from sla.answers import Freshness
from sla.fresh import FreshnessMemory, Seen, ends_of, freshness
from sla.history import FAR_AHEAD_S
from sla.periods import Ownership
from sla.scope import AllCustomers, OnlyCustomers, Scope
from sla.telemetry import Horizons, Pace
from tests.unit.past_bench import JUNE, MIDDLE
from tests.unit.told_bench import circuit


def known(
    complete: dict[str, int],
    live: dict[str, int] | None = None,
    pace: Callable[[], Pace] = Pace,
) -> Horizons:
    """Return horizons of circuits in an order of their own, not that of their names."""
    names = tuple(dict.fromkeys([*complete, *(live or {})]))[::-1]
    assert set(names) == set(complete)
    return Horizons(
        names,
        np.array([complete[name] for name in names], np.int64),
        np.array([(live or {}).get(name, 0) for name in names], np.int64),
        pace,
    )


def fresh(
    horizons: Horizons,
    seen: Seen,
    circuits: dict[str, Circuit],
    now_s: int,
    heard: bool = True,
) -> Freshness:
    return freshness(horizons, ends_of(seen, circuits), circuits, now_s, TimeSettings(), heard)


def found(
    complete: dict[str, int], live: dict[str, int] | None = None, **ends: int | None
) -> Freshness:
    names = sorted({*complete, *ends})
    circuits = {name: circuit(name, active_to=ends.get(name)) for name in names}
    seen = {name: (Ownership("a", JUNE, FAR_AHEAD_S),) for name in names}
    return fresh(known(complete, live or {}), seen, circuits, MIDDLE)


def test_the_least_complete_and_the_newest_live_instant_count() -> None:
    now = found({"A": MIDDLE, "B": MIDDLE - 120, "C": MIDDLE - 121}, {"A": MIDDLE + 9, "B": MIDDLE})

    assert (now.complete_up_to_s, now.live_to_s, now.circuits) == (MIDDLE - 121, MIDDLE + 9, 3)
    assert now.behind == ("C",)
    assert now.silent == ("C",)


def test_circuits_are_named_in_order() -> None:
    names = [f"X{number}" for number in range(9, 0, -1)]
    seen = {name: (Ownership("a", JUNE, FAR_AHEAD_S),) for name in ["new", *names]}
    complete = {name: MIDDLE - 500 for name in names} | {"new": MIDDLE}
    circuits = {name: circuit(name) for name in seen}

    now = fresh(known(complete, {"new": MIDDLE}), seen, circuits, MIDDLE)

    assert now.behind == now.silent == tuple(reversed(names))
    live = dict.fromkeys(seen, MIDDLE)
    now = fresh(known(complete, live), seen, circuits, MIDDLE + 30 + 11)
    assert list(now.overdue) == [*reversed(names), "new"]


def test_a_circuit_of_which_nothing_is_known_is_complete_to_its_beginning() -> None:
    now = found({"A": MIDDLE}, {"A": MIDDLE}, B=None)

    assert (now.complete_up_to_s, now.behind, now.silent) == (JUNE, ("B",), ("B",))


def test_one_that_has_ended_holds_nobody_up() -> None:
    for ends, complete, holds in ((MIDDLE, MIDDLE, False), (MIDDLE + 1, MIDDLE, True),
                                  (MIDDLE, MIDDLE - 1, True)):  # fmt: skip
        now = found({"A": complete, "B": MIDDLE + 500}, {"B": MIDDLE + 510}, A=ends, B=None)
        assert (now.complete_up_to_s == complete) is holds
        assert now.circuits == 2
    assert found({"A": MIDDLE}, A=MIDDLE) == Freshness(None, None, 1, (), (), ended=1)


def test_of_who_has_left_nobody_is_behind() -> None:
    seen = {"A": (Ownership("a", JUNE, MIDDLE), Ownership("a", MIDDLE + 9, MIDDLE + 90))}
    circuits = {"A": circuit("A")}

    for complete, least in ((MIDDLE + 89, MIDDLE + 89), (MIDDLE + 90, None)):
        now = fresh(known({"A": complete}, {}), seen, circuits, MIDDLE)
        assert now.complete_up_to_s == least


@pytest.mark.parametrize(
    ("apart", "after", "overdue"),
    [
        (None, 30 + 10, False),  # 30 s of lateness are allowed; the circuit's grid is 10 s
        (None, 30 + 11, True),
        (60, 30 + 60, False),  # a probe that measures a minute at a time
        (60, 30 + 61, True),
        (5, 30 + 10, False),
    ],
)
def test_a_circuit_is_overdue_when_the_next_sample_is_later_than_allowed(
    apart: int | None, after: int, overdue: bool
) -> None:
    pace = Pace({"A": apart} if apart else {})
    horizons = known({"A": MIDDLE - 40}, {"A": MIDDLE}, lambda: pace)
    seen = {"A": (Ownership("a", JUNE, FAR_AHEAD_S),)}

    now = fresh(horizons, seen, {"A": circuit("A")}, MIDDLE + after)

    assert circuit("A").grid_seconds == 10
    assert now.overdue == ({"A": MIDDLE} if overdue else {})


@pytest.mark.parametrize(("after", "overdue"), [(30, False), (31, True)])
def test_while_the_broker_is_not_heard_no_sample_is_due_only_later(
    after: int, overdue: bool
) -> None:
    horizons = known({"A": MIDDLE - 40}, {"A": MIDDLE}, lambda: Pace({"A": 3_600}))
    seen = {"A": (Ownership("a", JUNE, FAR_AHEAD_S),)}

    for heard in (True, False):
        now = fresh(horizons, seen, {"A": circuit("A")}, MIDDLE + after, heard)
        assert bool(now.overdue) is (overdue and not heard)
    circuits = {"A": circuit("A")}
    asked = horizons, ends_of(seen, circuits), circuits, MIDDLE + after, TimeSettings()
    assert not freshness(*asked).overdue, "nobody said that it is not heard"


def test_an_overdue_circuit_is_known_up_to_its_newest_sample_not_to_the_end_of_its_cell() -> None:
    horizons = known({"A": MIDDLE}, {"A": MIDDLE + 120}, lambda: Pace({}, {"A": MIDDLE + 70}))
    seen = {"A": (Ownership("a", JUNE, FAR_AHEAD_S),)}

    now = fresh(horizons, seen, {"A": circuit("A")}, MIDDLE + 200)

    assert now.overdue == {"A": MIDDLE + 70}


def test_who_never_sent_or_has_ended_is_not_overdue() -> None:
    horizons = known({"A": MIDDLE}, {"A": MIDDLE})
    seen = {name: (Ownership("a", JUNE, FAR_AHEAD_S),) for name in "AB"}
    circuits = {"A": circuit("A", active_to=MIDDLE), "B": circuit("B")}

    now = fresh(horizons, seen, circuits, MIDDLE + 9_999)

    assert (now.overdue, now.silent, now.ended) == ({}, ("B",), 1)


def one_by_one(
    complete: dict[str, int], live: dict[str, int], circuits: dict[str, Circuit], now_s: int
) -> Freshness:
    """Return what `freshness` does of circuits that are seen until they end, circuit by circuit."""
    open_ = {}
    for name, one in circuits.items():
        at = complete.get(name, one.active_from)
        if at < (FAR_AHEAD_S if one.active_to is None else one.active_to):
            open_[name] = at
    newest = max(open_.values(), default=0)
    return Freshness(
        min(open_.values(), default=None),
        max((live.get(name, at) for name, at in open_.items()), default=None),
        len(circuits),
        tuple(sorted(name for name, at in open_.items() if at < newest - 120)),
        tuple(sorted(name for name in open_ if name not in live)),
        {n: live[n] for n in sorted(open_) if n in live and now_s - 30 - live[n] > 10},
        len(circuits) - len(open_),
    )


@given(st.data())
def test_all_at_once_comes_to_the_same_as_circuit_by_circuit(data: st.DataObject) -> None:
    instants = st.integers(MIDDLE - 300, MIDDLE + 60)
    names = data.draw(st.lists(st.sampled_from("ABCDEFG"), unique=True))
    circuits = {name: circuit(name, active_to=data.draw(st.none() | instants)) for name in names}
    # of one nothing is known yet; another, of which something is, is not this reader's
    complete = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), instants))
    live = {name: data.draw(instants) for name in complete if data.draw(st.booleans())}
    seen = {name: (Ownership("a", JUNE, FAR_AHEAD_S),) for name in names}

    now = fresh(known(complete, live), seen, circuits, MIDDLE)

    assert now == one_by_one(complete, live, circuits, MIDDLE)


def test_places_of_circuits_are_found_again_where_others_are_told_of() -> None:
    names = ("C", "A", "B")
    seen = {name: (Ownership("a", JUNE, FAR_AHEAD_S),) for name in names}
    ends = ends_of(seen, {name: circuit(name) for name in names})

    for ids, places in ((names, [1, 2, 0]), (("B", "C"), [-1, 0, 1]), ((), [-1, -1, -1])):
        first = ends.numbers(ids)
        assert first.tolist() == places
        assert ends.numbers(ids) is first, "of the same circuits they are remembered"


SCOPE = AllCustomers(commercial=False)


def test_ends_are_worked_out_again_when_who_is_seen_is_another_mapping() -> None:
    memory = FreshnessMemory(ManualClock())
    seen = {"A": (Ownership("a", JUNE, MIDDLE),)}
    ended = {"A": circuit("A", active_to=MIDDLE - 9)}

    def end(scope: Scope, seen: Seen, circuits: dict[str, Circuit]) -> int:
        ends = memory.ends(scope, seen, circuits)
        assert (ends.names, ends.begins_s.tolist()) == (("A",), [JUNE])
        return int(ends.end_s[0])

    assert end(SCOPE, seen, {"A": circuit("A")}) == MIDDLE
    assert end(SCOPE, seen, ended) == MIDDLE  # the same mapping is the same network
    assert end(SCOPE, dict(seen), ended) == MIDDLE - 9
    assert end(OnlyCustomers(frozenset({"a"})), seen, ended) == MIDDLE - 9


ANSWER = Freshness(1, 2, 3, (), ())


def pass_by(clock: ManualClock, seconds: float) -> None:
    clock.move_to(clock.now_us() + round(seconds * 1_000_000))


class Slow:
    """Takes so long to answer, and counts how often it was asked."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self.clock, self.seconds, self.asked = clock, seconds, 0

    def __call__(self) -> Freshness:
        self.asked += 1
        pass_by(self.clock, self.seconds)
        return replace(ANSWER, circuits=self.asked)


@pytest.mark.parametrize(("seconds", "kept"), [(0.002, False), (0.003, True)])
def test_what_took_long_is_kept_and_what_is_quick_is_asked_anew(seconds: float, kept: bool) -> None:
    clock = ManualClock()  # from 0 on 0.002 s are 0.002, no less by rounding
    memory, slow = FreshnessMemory(clock), Slow(clock, seconds)

    first, second = memory.of(SCOPE, slow), memory.of(SCOPE, slow)

    assert (first.circuits, second.circuits) == (1, 1 if kept else 2)
    assert memory.of(OnlyCustomers(frozenset("a")), slow).circuits == slow.asked
    assert slow.asked == (2 if kept else 3)


def test_of_scopes_that_are_too_many_the_first_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sla.fresh._SCOPES_MAX", 2)
    memory = FreshnessMemory(clock := ManualClock())
    a, b, c = (OnlyCustomers(frozenset(name)) for name in "abc")
    seen, slow = {"A": (Ownership("a", JUNE, MIDDLE),)}, Slow(clock, 0.5)

    def end(scope: OnlyCustomers, active_to: int) -> int:
        return int(memory.ends(scope, seen, {"A": circuit("A", active_to=active_to)}).end_s[0])

    assert [end(scope, JUNE + 1) for scope in (a, b)] == [JUNE + 1] * 2
    assert [end(scope, JUNE + 2) for scope in (a, b)] == [JUNE + 1] * 2  # both are remembered
    assert end(c, JUNE + 3) == JUNE + 3
    assert [end(scope, JUNE + 4) for scope in (c, b)] == [JUNE + 3, JUNE + 1]
    assert end(a, JUNE + 5) == JUNE + 5
    assert [memory.of(scope, slow).circuits for scope in (a, b, a, b)] == [1, 2, 1, 2]
    assert [memory.of(scope, slow).circuits for scope in (c, b, a)] == [3, 2, 4]


def test_an_old_answer_is_renewed_beside_and_a_very_old_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Any] = []

    class Thread:
        def __init__(self, target: Any, args: Any, name: str, daemon: bool) -> None:
            assert daemon, f"a process that ends does not wait for {name}"
            self.renew = lambda: target(*args)

        def start(self) -> None:
            begun.append(self.renew)

    monkeypatch.setattr("sla.fresh.threading.Thread", Thread)
    clock = ManualClock(10**9)
    memory, slow = FreshnessMemory(clock), Slow(clock, 0.5)
    memory.of(SCOPE, slow)

    pass_by(clock, 0.875)
    assert (memory.of(SCOPE, slow).circuits, len(begun)) == (1, 0)
    pass_by(clock, 0.125)  # a second old
    assert (memory.of(SCOPE, slow).circuits, len(begun)) == (1, 1)
    assert (memory.of(SCOPE, slow).circuits, len(begun)) == (1, 1), "one renews it"
    begun.pop()()
    assert (memory.of(SCOPE, slow).circuits, len(begun)) == (2, 0)
    pass_by(clock, 9.875)
    assert (memory.of(SCOPE, slow).circuits, len(begun)) == (2, 1)
    pass_by(clock, 0.125)  # ten seconds old
    assert memory.of(SCOPE, slow).circuits == 3


def test_what_fails_is_forgotten() -> None:
    clock = ManualClock(10**9)
    memory, slow = FreshnessMemory(clock), Slow(clock, 0.5)
    memory.of(SCOPE, slow)
    pass_by(clock, 20)

    def fails() -> Freshness:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        memory.of(SCOPE, fails)
    assert memory.of(SCOPE, slow).circuits == 2
