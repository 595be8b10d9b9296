"""The history of a month: every version stays, with what caused it, who, and from what to what."""

from dataclasses import replace
from itertools import pairwise

import pytest

from linksla.clock import MICROSECONDS, ManualClock, iso, parse_instant
from linksla.inventory import Ownership
from linksla.settings import TimeSettings
from sla.answers import Seconds
from sla.attributions import Act, Attribution, AttributionWord, reclassifications
from sla.contracts import ExclusionTerms, load_contracts
from sla.evaluator import Evaluator
from sla.maintenance import MaintenanceWindow
from sla.outages import outage_id
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers
from sla.versions import MonthVersion, version_json

ALL = AllCustomers(commercial=True)
ACME = OnlyCustomers(frozenset({"acme"}))
MANAGER = OnlyCustomers(frozenset({"acme"}), internal=True)
CUT = parse_instant("2025-10-09T09:11:00Z")
END = parse_instant("2025-12-03T00:00:00Z")
TERMS = ExclusionTerms(customer=True, waiting_for_customer=True)


class House:
    """An evaluator and the network it judges by, which people change."""

    def __init__(self, network) -> None:
        self.store = network.store
        self.inventory = network.inventory
        contracts = {
            name: tuple(replace(one, exclusions=TERMS) for one in versions)
            for name, versions in load_contracts(network.folder / "contracts").items()
        }
        self.clock = ManualClock(END * MICROSECONDS)
        self.queries = Queries(
            network.store, network.inventory, contracts, (), TimeSettings(), self.clock
        )
        self.evaluator = Evaluator(network.store, self.queries, self.clock)
        self.words: list[AttributionWord] = []
        self.judge()

    def judge(self, *windows: MaintenanceWindow) -> None:
        self.clock.move_to(self.clock.now_us() + MICROSECONDS)
        self.queries.take_over(self.inventory, windows, reclassifications(self.words))
        self.store.writer.execute("begin")
        self.evaluator.evaluate(self.inventory.circuits)
        self.store.writer.execute("commit")

    def say(self, act: Act, who: str, why: str) -> None:
        self.words.append(
            AttributionWord(
                "p1", act, who, self.clock.now_us(), why, "DEN-1", outage_id("DEN-1", CUT),
                CUT, CUT + 300, Attribution.CUSTOMER,
            )
        )  # fmt: skip
        self.judge()

    def versions(self, scope=ALL, month: str = "2025-10") -> tuple[MonthVersion, ...]:
        found = self.queries.versions(scope, "DEN-1", month)
        assert found is not None
        assert [one.version for one in found] == list(range(1, len(found) + 1))
        for before, after in pairwise(found):
            assert after.before == before.after
        return found


@pytest.fixture
def house(small_network) -> House:
    return House(small_network)


def test_versions_are_told_in_their_order_however_they_lie_in_the_store(house) -> None:
    house.say(Act.PROPOSED, "noc", "their power")
    house.say(Act.APPROVED, "manager", "they say so")
    for turn in ("create table first as from verdict_history where calculation_version = 1",
                 "delete from verdict_history where calculation_version = 1",
                 "insert into verdict_history from first"):  # fmt: skip
        house.store.writer.execute(turn)

    assert len(house.versions()) == 3


def told(version: MonthVersion) -> list[tuple[str, str, str]]:
    return [(cause.kind, cause.what, cause.who) for cause in version.causes]


def test_a_reclassification_of_a_final_month_is_three_versions_with_who_and_why(house) -> None:
    house.say(Act.PROPOSED, "noc", "their power")
    house.say(Act.APPROVED, "manager", "they say so")
    house.say(Act.REVOKED, "admin", "wrong circuit")

    first, proposed, approved, revoked = house.versions()

    outage = f"outage {outage_id('DEN-1', CUT)} to customer"
    assert (first.before, first.causes, first.reason) == (None, (), "first evaluation")
    assert told(proposed) == [("attribution", f"{outage}: proposed by noc: their power", "noc")]
    assert (proposed.before.final, proposed.after.final) == (True, False)
    assert "1 proposal awaits a decision" in proposed.reason
    assert told(approved) == [
        ("attribution", f"{outage}: approved by manager: they say so", "manager")
    ]
    assert (approved.before.verdict, approved.after.verdict) == ("breached", "met")
    assert (approved.before.seconds, approved.after.seconds) == (
        Seconds(2_678_100, 300, 0, 0), Seconds(2_678_100, 0, 300, 0),
    )  # fmt: skip
    assert approved.after.final
    assert "Because: outage" in approved.reason
    assert "down 300 to 0 s, excluded 0 to 300 s" in approved.reason
    assert told(revoked) == [("attribution", f"{outage}: revoked by admin: wrong circuit", "admin")]
    assert revoked.after.seconds == first.after.seconds


def test_late_data_that_move_no_second_add_no_version(house) -> None:
    house.store.writer.execute(
        "update spans set bgp = 1 where channel_key in (1, 2) and start_s = ?", [CUT]
    )
    house.judge()

    assert len(house.versions()) == 1  # two of four are good, three are needed: down as before


def test_late_data_that_mend_an_outage_give_from_and_to(house) -> None:
    house.store.writer.execute("update spans set bgp = 1 where start_s = ?", [CUT])
    house.judge()

    _, restated = house.versions()

    assert (restated.before.seconds.down, restated.after.seconds.down) == (300, 0)
    assert restated.reason.endswith("Because: samples came late.")
    assert version_json(restated)["causes"] == [
        {"kind": "late data", "what": "samples came late", "who": None}
    ]


WINDOW = MaintenanceWindow(
    id="CHG-9", circuit="DEN-1", start=CUT - 60, end=CUT + 120, announced_at=CUT,
    proposed_by="carrier", reason="card",
)  # fmt: skip


def test_a_window_announced_late_approved_moved_and_withdrawn_is_a_version_each(house) -> None:
    house.judge(WINDOW)
    approved = replace(WINDOW, approved_by="noc")
    house.judge(approved)
    house.judge(replace(approved, end=CUT + 60))
    house.judge()

    _, announced, accepted, moved, withdrawn = house.versions()

    name = "CHG-9 (circuit)"
    bounds = f"{iso(CUT - 60)}/{iso(CUT + 120)} to {iso(CUT - 60)}/{iso(CUT + 60)}"
    assert told(announced) == [
        (
            "maintenance",
            f"{name} from {iso(CUT - 60)} to {iso(CUT + 120)} announced by carrier: not decided",
            "carrier",
        )
    ]
    assert not announced.after.final
    assert told(accepted) == [("maintenance", f"{name} accepted by noc", "noc")]
    assert accepted.after.seconds == Seconds(2_678_040, 180, 180, 0)
    assert told(moved) == [("maintenance", f"{name} moved from {bounds}", "noc")]
    assert moved.after.seconds == Seconds(2_678_040, 240, 120, 0)
    assert told(withdrawn) == [("maintenance", f"{name} withdrawn", "carrier")]
    assert withdrawn.after.seconds == Seconds(2_678_100, 300, 0, 0)


def test_a_waiting_ticket_is_a_version_of_its_own_kind(house) -> None:
    house.judge(
        MaintenanceWindow(
            id="INC-7", circuit="DEN-1", ticket="INC-7", start=CUT + 200, announced_at=CUT,
            proposed_by="desk", approved_by="noc", reason="no access",
        )
    )  # fmt: skip

    _, stopped = house.versions()

    assert stopped.causes[0].kind == "ticket"
    assert (stopped.after.seconds.down, stopped.after.seconds.excluded) == (200, 100)


def test_what_is_not_shown_to_customers_is_told_to_the_house_only(house) -> None:
    house.judge(replace(WINDOW, show_to_customer=False, approved_by="noc", reason="secret"))

    for scope, what, who in (
        (MANAGER, "CHG-9", "noc"),
        (ALL, "CHG-9", "noc"),
        (ACME, "a maintenance record changed", ""),
    ):
        (cause,) = house.versions(scope)[1].causes
        assert cause.what.startswith(what)
        assert cause.who == who
    assert "CHG-9" not in house.versions()[1].reason
    assert "CHG-9" not in str([version_json(one) for one in house.versions(ACME)])


def test_who_sees_a_part_of_the_month_is_told_no_version_of_the_whole(house) -> None:
    circuit = house.inventory.circuits["DEN-1"]
    owners = (
        Ownership(customer="acme", end=CUT),
        Ownership(customer="globex", start=CUT),
    )
    sold = replace(circuit, owners=owners)
    house.inventory = replace(house.inventory, circuits=house.inventory.circuits | {"DEN-1": sold})
    house.judge()

    globex = OnlyCustomers(frozenset({"globex"}))
    assert house.versions(ACME) == house.versions(globex) == ()
    assert len(house.versions(globex, "2025-11")) == 1
    assert house.queries.versions(OnlyCustomers(frozenset({"x"})), "DEN-1", "2025-11") is None
    assert house.queries.versions(ALL, "none", "2025-11") is None


def test_judging_the_same_again_adds_no_version(house) -> None:
    house.judge(WINDOW)
    house.judge(WINDOW)

    assert len(house.versions()) == 2
