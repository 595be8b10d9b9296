"""What the desk keeps of each word, and whom it tells what: by hand, without telemetry."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from linksla.clock import ManualClock
from linksla.decisions import (
    DecisionsStore,
    audit,
    maintenance_decisions,
    maintenance_revisions,
    outage_words,
)
from linksla.errors import UsageError
from sla.answers import Outage
from sla.attributions import Act, Attribution, AttributionWord, Reclassification
from sla.desk import BY_PEOPLE, Desk, decide_window, propose_window, read_words
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers, Scope
from tests.unit.told_bench import window

ALL = AllCustomers(commercial=False)
NOBODY = OnlyCustomers(frozenset())
LONG = "x" * 2_000


@dataclass
class Asked:
    """Knows the outages o (over) and d (still down), which only who sees all sees."""

    complete: int = 500
    seen: list[tuple[str, int, int]] = field(default_factory=list)

    def outage(self, scope: Scope, outage_id: str, circuit_id: str | None) -> Outage | None:
        ends = {"o": 300, "d": None}
        if scope is NOBODY or outage_id not in ends:
            return None
        end_s = ends[outage_id]
        return Outage(outage_id, "C", 100, end_s, 9, 0, "carrier", carried_in=False)

    def complete_up_to(self, circuit_id: str) -> int:
        assert circuit_id == "C"
        return self.complete

    def sees(self, scope: Scope, circuit_id: str, start_s: int, end_s: int) -> bool:
        self.seen.append((circuit_id, start_s, end_s))
        return scope is not NOBODY


@dataclass
class Office:
    """A desk whose clock moves a second a word."""

    decisions: DecisionsStore
    asked: Asked = field(default_factory=Asked)
    now_us: int = 0

    def desk(self) -> Desk:
        self.now_us += 1_000_000
        return Desk(cast(Queries, self.asked), self.decisions, ManualClock(self.now_us))

    def propose(self, outage: str = "o", who: str = "noc", **more: Any) -> Reclassification | None:
        known: dict[str, Any] = {"attribution": Attribution.CUSTOMER, "reason": "why", "scope": ALL}
        given = known | more
        return self.desk().propose(
            given.pop("scope"), who, outage, given.pop("attribution"), given.pop("reason"), **given
        )

    def decide(
        self, proposal: str, act: Act = Act.APPROVED, who: str = "boss", reason: str = "so",
        scope: Scope = ALL,
    ) -> Reclassification | None:  # fmt: skip
        return self.desk().decide(scope, who, proposal, act, reason)

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.decisions.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.select(table))]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield Office(store)
    store.close()


def name_of(one: Reclassification | None) -> str:
    assert one is not None
    return one.proposal.proposal_id


def test_a_proposal_is_kept_and_returned_with_what_its_maker_saw(office: Office) -> None:
    made = office.propose(ticket="INC-1", circuit_id="C")

    word = AttributionWord(
        name_of(made), Act.PROPOSED, "noc", 1_000_000, "why", "C", "o", 100, 300,
        Attribution.CUSTOMER, "INC-1",
    )  # fmt: skip
    assert made == Reclassification(word, Act.PROPOSED, None)
    with office.decisions.engine.connect() as connection:
        assert read_words(connection) == [word]
    (line,) = office.rows(audit)
    assert (line["who"], line["action"], line["object"]) == ("noc", "attribution proposed", "o")
    assert json.loads(line["detail"]) == {
        "proposal": word.proposal_id, "circuit": "C", "attribution": "customer", "reason": "why"
    }  # fmt: skip


def test_an_outage_that_goes_on_is_seen_up_to_where_all_is_complete(office: Office) -> None:
    made = office.propose("d")
    assert made is not None
    assert (made.proposal.start_s, made.proposal.end_s) == (100, 500)

    for complete in (101, 100, 7):
        office.asked.complete = complete
        made = office.propose("d", who=f"at {complete}")
        assert made is not None
        assert made.proposal.end_s == 101


def test_what_is_not_there_or_not_seen_is_not_proposed(office: Office) -> None:
    assert office.propose("x") is None
    assert office.propose(scope=NOBODY) is None
    assert office.rows(outage_words) == []


def test_the_same_open_proposal_is_the_same_one(office: Office) -> None:
    first = office.propose()

    assert office.propose(reason="again") == first
    others = [
        office.propose(who="other"), office.propose("d"),
        office.propose(attribution=Attribution.CARRIER),
    ]  # fmt: skip
    assert len({name_of(one) for one in [first, *others]}) == 4
    office.decide(name_of(first), Act.REFUSED)
    assert name_of(office.propose()) != name_of(first)
    assert len(office.rows(outage_words)) == 6


@pytest.mark.parametrize("reason", ["", " \n", LONG + "x"])
def test_a_word_has_a_reason_of_two_thousand_characters_at_most(
    office: Office, reason: str
) -> None:
    name = name_of(office.propose(reason=LONG))

    with pytest.raises(UsageError, match="1 to 2,000 characters"):
        office.propose(who="other", reason=reason)
    with pytest.raises(UsageError, match="1 to 2,000 characters"):
        office.decide(name, reason=reason)
    decided = office.decide(name, reason=LONG)
    assert decided is not None
    assert decided.standing is Act.APPROVED


def test_a_decision_is_kept_with_what_the_proposal_said(office: Office) -> None:
    made = office.propose(ticket="INC-1")
    name = name_of(made)

    decided = office.decide(name)

    assert made is not None
    word = AttributionWord(name, Act.APPROVED, "boss", 2_000_000, "so")
    assert decided == Reclassification(made.proposal, Act.APPROVED, word)
    row = office.rows(outage_words)[1]
    assert (row["act"], row["circuit_id"], row["outage_id"], row["start_s"], row["end_s"],
            row["attribution"], row["ticket"]) == (
        "approved", "C", "o", 100, 300, "customer", "INC-1")  # fmt: skip
    line = office.rows(audit)[1]
    assert (line["at_us"], line["who"], line["action"], line["object"]) == (
        2_000_000, "boss", "attribution approved", "o"
    )  # fmt: skip


def test_only_a_proposal_that_is_there_and_seen_is_decided(office: Office) -> None:
    name = name_of(office.propose())
    other = name_of(office.propose("d"))

    assert office.decide("none") is None
    assert office.decide(name, scope=NOBODY) is None
    assert office.asked.seen == [("C", 100, 300)]
    decided = office.decide(other)
    assert name_of(decided) == other
    with pytest.raises(UsageError, match=f"^proposal {other} is approved"):
        office.decide(other)
    with pytest.raises(UsageError, match=f"^noc proposed {name}"):
        office.decide(name, who="noc")
    assert len(office.rows(outage_words)) == 3


def test_proposals_are_told_newest_first_and_by_name_within_an_instant(office: Office) -> None:
    old = name_of(office.propose())
    desk = office.desk()
    made = (desk.propose(ALL, who, "o", Attribution.CUSTOMER, "why") for who in "abcdefgh")
    same = [name_of(one) for one in made]
    office.decide(old, Act.REFUSED)

    assert [name_of(one) for one in office.desk().proposals(ALL)] == [*sorted(same), old]
    assert same != sorted(same)
    open_ones = office.desk().proposals(ALL, open_only=True)
    assert [name_of(one) for one in open_ones] == sorted(same)
    assert office.desk().proposals(NOBODY) == ()
    assert office.desk().proposals(NOBODY, open_only=True) == ()


WINDOW = {
    "id": "CHG-1", "circuit": "C", "start": "2026-06-02T00:00:00Z", "end": "2026-06-03T00:00:00Z",
    "reason": "Wärme", "proposed_by": "somebody else", "approved_by": "myself",
}  # fmt: skip


def test_a_window_is_kept_as_if_its_maker_had_announced_it(office: Office) -> None:
    found = propose_window(office.decisions, WINDOW, who="ann", at_us=77)

    assert (found.id, found.proposed_by, found.approved_by) == ("CHG-1", "ann", None)
    (row,) = office.rows(maintenance_revisions)
    names = ("topic_id", "partition", "offset", "key", "announced_at_us")
    assert [row[name] for name in names] == [BY_PEOPLE, 0, 0, "CHG-1", 77]
    assert json.loads(row["body"]) == WINDOW | {"proposed_by": "ann"}
    assert "Wärme" in row["body"]
    (line,) = office.rows(audit)
    assert (line["at_us"], line["who"], line["action"], line["object"]) == (
        77, "ann", "maintenance proposed", "CHG-1"
    )  # fmt: skip
    assert json.loads(line["detail"]) == {"window": row["body"]}


def test_windows_of_people_are_numbered_apart_from_those_of_kafka(office: Office) -> None:
    with office.decisions.engine.begin() as connection:
        connection.execute(
            maintenance_revisions.insert().values(
                topic_id="kafka", partition=0, offset=50, key="K", announced_at_us=0, body="{}"
            )
        )
    for _ in range(3):
        propose_window(office.decisions, WINDOW, who="ann", at_us=77)

    assert [row["offset"] for row in office.rows(maintenance_revisions)] == [50, 0, 1, 2]
    assert [row["partition"] for row in office.rows(maintenance_revisions)] == [0, 0, 0, 0]


def test_a_window_that_does_not_fit_is_not_kept(office: Office) -> None:
    for wrong in (WINDOW | {"end": WINDOW["start"]}, {**WINDOW, "id": ""}, {**WINDOW, "id": "A#2"}):
        with pytest.raises(UsageError):
            propose_window(office.decisions, wrong, who="ann", at_us=77)
    assert office.rows(maintenance_revisions) == []


STANDING = [window(0, 1, id=name) for name in ("D", "A#1", "A#2", "B", "C")]


def decide(office: Office, name: str, who: str = "boss", *, accepted: bool = True) -> None:
    decide_window(office.decisions, STANDING, name, accepted=accepted, who=who, at_us=88)


def test_a_word_on_a_window_says_which_revision_was_seen(office: Office) -> None:
    decide(office, "A")
    for name in ("CHG-1", "A", "A", "CHG-1"):
        propose_window(office.decisions, WINDOW | {"id": name}, who="ann", at_us=77)
    decide(office, "A", accepted=False)
    decide(office, "B", who="noc", accepted=False)
    decide(office, "C")

    seen = [
        (row["window_id"], row["revision_number"], row["accepted"], row["who"], row["at_us"])
        for row in office.rows(maintenance_decisions)
    ]
    assert seen == [
        ("A", 0, True, "boss", 88), ("A", 3, False, "boss", 88), ("B", 0, False, "noc", 88),
        ("C", 0, True, "boss", 88),
    ]  # fmt: skip
    lines = [row for row in office.rows(audit) if row["action"] != "maintenance proposed"]
    assert [(line["action"], line["object"], json.loads(line["detail"])) for line in lines] == [
        ("maintenance approved", "A", {"revision": 0}),
        ("maintenance refused", "A", {"revision": 3}),
        ("maintenance refused", "B", {"revision": 0}),
        ("maintenance approved", "C", {"revision": 0}),
    ]  # fmt: skip


def test_who_proposed_a_window_does_not_approve_it_and_no_other_stands(office: Office) -> None:
    with pytest.raises(UsageError, match="noc proposed window 'A'"):
        decide(office, "A", who="noc")
    with pytest.raises(UsageError, match="no window 'X' stands") as told:
        decide(office, "X")
    assert told.value.hint == "Known: A, B, C, D."
    with pytest.raises(UsageError) as told:
        decide_window(office.decisions, (), "X", accepted=True, who="boss", at_us=88)
    assert told.value.hint == "Known: none."
    assert office.rows(maintenance_decisions) == []
