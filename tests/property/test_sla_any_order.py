"""Samples, records and decisions: whatever order they arrive in, the final numbers are the same."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.clock import MICROSECONDS, ManualClock
from linksla.stores import TelemetryStore
from sla.announced import Revision, Word, windows_in_force
from sla.answers import MonthAnswer, Seconds
from sla.attributions import Act, Attribution, AttributionWord, reclassifications
from sla.contracts import ExclusionTerms
from sla.evaluator import Evaluator
from sla.maintenance import MaintenanceWindow
from sla.outages import outage_id
from sla.queries import Queries
from sla.scope import AllCustomers
from tests.unit.circuit_bench import HORIZON, Bench, day

ALL = AllCustomers(commercial=True)
EVERYTHING = ExclusionTerms(customer=True, force_majeure=True, waiting_for_customer=True)


@dataclass
class World:
    """All that has arrived so far, and the node that judges it."""

    bench: Bench
    queries: Queries
    revisions: dict[str, list[Revision]] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    said: list[AttributionWord] = field(default_factory=list)
    heard: int = 0

    def announce(self, window: MaintenanceWindow, at_s: int) -> None:
        self.heard += 1
        revision = Revision(self.heard, at_s * MICROSECONDS, window)
        self.revisions.setdefault(window.id, []).append(revision)

    def decide(self, window_id: str, revision: int, *, accepted: bool = True) -> None:
        number = self.revisions[window_id][revision].number
        self.words[window_id] = Word(number, accepted, "manager")

    def judge(self, evaluator: Evaluator) -> None:
        self.bench.write_spans(self.bench.inventory.circuits["C"])
        windows = windows_in_force((), self.revisions, self.words)
        self.queries.take_over(self.bench.inventory, windows, reclassifications(self.said))
        evaluator.evaluate(["C"])


Event = Callable[[World], None]


def bad(start_s: int, end_s: int) -> Event:
    return lambda world: world.bench.bad.setdefault("a", []).append((start_s, end_s))


def said(act: Act, name: str, at: int, who: str, **more: object) -> Event:
    known = AttributionWord(name, act, who, (HORIZON + at) * MICROSECONDS, "why")
    return lambda world: world.said.append(replace(known, **more))


def record(name: str, start_s: int, end_s: int, at_s: int, ticket: str | None = None) -> Event:
    window = MaintenanceWindow(
        id=name, circuit="C", start=start_s, end=end_s, announced_at=0, proposed_by="carrier",
        reason="work", ticket=ticket,
    )  # fmt: skip
    return lambda world: world.announce(window, at_s)


ABOUT_DAY_5 = {
    "circuit_id": "C", "outage_id": outage_id("C", day(5)), "start_s": day(5),
    "end_s": day(5, 600), "attribution": Attribution.CUSTOMER,
}  # fmt: skip
ABOUT_DAY_9 = ABOUT_DAY_5 | {
    "start_s": day(9), "end_s": day(9, 300), "attribution": Attribution.MEASUREMENT_FAULT,
}  # fmt: skip

# Each list keeps its order (a topic's key, a decision after what it is about); the lists are mixed.
LISTS: list[list[Event]] = [
    [bad(day(5), day(5, 600))],
    [bad(day(5, -60), day(5))],  # late: the onset moves
    [bad(day(9), day(9, 300))],
    [bad(day(12), day(12, 1_000))],
    [said(Act.PROPOSED, "p1", 1, "noc", **ABOUT_DAY_5)],
    [said(Act.APPROVED, "p1", 2, "manager")],
    [said(Act.PROPOSED, "p2", 3, "noc", **ABOUT_DAY_9)],
    [said(Act.APPROVED, "p2", 4, "manager")],
    [said(Act.PROPOSED, "p3", 5, "noc", **ABOUT_DAY_5)],
    [said(Act.APPROVED, "p3", 6, "manager")],
    [said(Act.REVOKED, "p3", 7, "admin")],
    [
        record("CHG", day(12, 100), day(12, 400), day(12)),
        record("CHG", day(12, 100), day(12, 500), day(13)),
        lambda world: world.decide("CHG", 0),  # not about the second that the edit added
    ],
    [
        record("INC", day(12, 700), day(12, 900), day(13), ticket="INC-7"),
        record("INC", day(12, 700), day(12, 800), day(14), ticket="INC-7"),
        lambda world: world.decide("INC", 1),
    ],
]


def arrived(order: list[int]) -> tuple[MonthAnswer, list[Seconds], bool]:
    """Let everything arrive in an order; judge after each. Return the end and how it came to it."""
    store = TelemetryStore(None)
    store.start()
    try:
        bench = Bench(store, exclusions=EVERYTHING)
        world = World(bench, bench.queries())
        evaluator = Evaluator(store, world.queries, ManualClock(HORIZON * MICROSECONDS))
        left = [list(events) for events in LISTS]
        for number in order:
            left[number].pop(0)(world)
            world.judge(evaluator)
        answer = world.queries.month(ALL, "C", "2026-06")
        versions = world.queries.versions(ALL, "C", "2026-06")
    finally:
        store.close()
    assert answer is not None
    assert versions is not None
    joined = all(
        later.before == earlier.after and later.causes for earlier, later in pairwise(versions)
    )
    return answer, [one.after.seconds for one in versions], joined


STEPS = [number for number, events in enumerate(LISTS) for _ in events]


@settings(max_examples=6, deadline=None)
@given(st.permutations(STEPS))
def test_any_order_of_arrival_gives_the_hand_worked_numbers(order: list[int]) -> None:
    answer, seconds, joined = arrived(order)

    # day 5: 660 s are the customer's; day 9: 300 s were not measured; day 12: of 1,000 s down, CHG
    # takes 300 (the 100 that its edit added nobody has approved) and INC, edited, 100
    down, excluded, unmeasured = 600, 660 + 300 + 100, 300
    up = 2_592_000 - down - excluded - unmeasured
    assert answer.seconds == Seconds(up, down, excluded, unmeasured)
    assert answer.as_experienced == Seconds(2_592_000 - 1_960, 1_960, 0, 0)
    assert [one.attribution for one in answer.outages] == [
        "customer", "measurement_fault", "carrier",
    ]  # fmt: skip
    assert {one.exclusion_id: one.seconds for one in answer.exclusions} == {
        "CHG": 300, "CHG#2": 0, "INC": 100, "p1": 660, "p3": 0,
    }  # fmt: skip
    assert answer.open_proposals == ("CHG#2",)
    assert not answer.final
    assert seconds[-1] == answer.seconds
    assert joined, "each version goes on from the one before, and says why"
