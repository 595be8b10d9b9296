"""The desk: every word kept and audited, four eyes, nothing about what one may not see."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.decisions import DecisionsStore, audit
from linksla.errors import UsageError
from linksla.settings import TimeSettings
from sla.attributions import Act, Attribution, reclassifications
from sla.contracts import ExclusionTerms, load_contracts
from sla.desk import Desk, read_words
from sla.outages import outage_id
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

ALL = AllCustomers(commercial=False)
ACME, GLOBEX = (OnlyCustomers(frozenset({name})) for name in ("acme", "globex"))
CUT = parse_instant("2025-10-09T09:11:00Z")
END = parse_instant("2025-12-03T00:00:00Z")
OUTAGE = outage_id("DEN-1", CUT)


class Office:
    """A desk, the queries behind it, and the network's word for it."""

    def __init__(self, network, decisions: DecisionsStore) -> None:
        self.clock = ManualClock(END * MICROSECONDS)
        self.decisions = decisions
        terms = ExclusionTerms(customer=True)
        contracts = {
            name: tuple(replace(one, exclusions=terms) for one in versions)
            for name, versions in load_contracts(network.folder / "contracts").items()
        }
        self.inventory = network.inventory
        self.queries = Queries(
            network.store, network.inventory, contracts, (), TimeSettings(), self.clock
        )
        self.desk = Desk(self.queries, decisions, self.clock)

    def excluded(self) -> int:
        with self.decisions.engine.begin() as connection:
            known = reclassifications(read_words(connection))
        self.queries.take_over(self.inventory, (), known)
        answer = self.queries.month(AllCustomers(commercial=True), "DEN-1", "2025-10")
        assert answer is not None
        return answer.seconds.excluded

    def propose(self, who: str = "noc", why: str = "their power", **more):
        self.clock.move_to(self.clock.now_us() + MICROSECONDS)
        return self.desk.propose(ALL, who, OUTAGE, Attribution.CUSTOMER, why, **more)

    def decide(self, proposal: str, act: Act, who: str, scope=ALL):
        self.clock.move_to(self.clock.now_us() + MICROSECONDS)
        return self.desk.decide(scope, who, proposal, act, "they say so")


@pytest.fixture
def office(small_network, tmp_path):
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield Office(small_network, store)
    store.close()


def test_a_proposal_counts_once_another_has_approved_it_until_it_is_revoked(office) -> None:
    proposal = office.propose().proposal
    assert (proposal.start_s, proposal.end_s, proposal.circuit_id) == (CUT, CUT + 300, "DEN-1")
    assert office.excluded() == 0

    office.decide(proposal.proposal_id, Act.APPROVED, "manager")
    assert office.excluded() == 300

    office.decide(proposal.proposal_id, Act.REVOKED, "admin")
    assert office.excluded() == 0

    with office.decisions.engine.begin() as connection:
        lines = connection.execute(sa.select(audit.c.who, audit.c.action, audit.c.object)).all()
    assert [tuple(line) for line in lines] == [
        ("noc", "attribution proposed", OUTAGE),
        ("manager", "attribution approved", OUTAGE),
        ("admin", "attribution revoked", OUTAGE),
    ]


@pytest.mark.parametrize("act", [Act.APPROVED, Act.REFUSED])
def test_nobody_decides_on_his_own_proposal(office, act) -> None:
    proposal = office.propose().proposal.proposal_id

    with pytest.raises(UsageError, match="noc proposed"):
        office.decide(proposal, act, "noc")

    assert [one.is_open for one in office.desk.proposals(ALL)] == [True]


def test_what_is_decided_is_not_decided_again(office) -> None:
    proposal = office.propose().proposal.proposal_id
    office.decide(proposal, Act.REFUSED, "manager")

    with pytest.raises(UsageError, match="is refused"):
        office.decide(proposal, Act.APPROVED, "admin")

    assert office.desk.proposals(ALL, open_only=True) == ()
    assert office.excluded() == 0


def test_the_same_proposal_is_not_made_twice(office) -> None:
    first = office.propose()

    assert office.propose() == first
    assert office.propose(who="manager") != first


def test_a_reason_is_asked_for(office) -> None:
    with pytest.raises(UsageError, match="reason"):
        office.propose(why=" ")


@pytest.mark.parametrize("circuit", [None, "DEN-1"])
def test_what_a_scope_does_not_allow_is_as_if_it_were_not_there(office, circuit) -> None:
    proposal = office.propose(circuit_id=circuit).proposal.proposal_id

    assert office.desk.propose(GLOBEX, "x", OUTAGE, Attribution.CARRIER, "y") is None
    assert office.desk.propose(ALL, "x", "nothing", Attribution.CARRIER, "y") is None
    assert office.decide(proposal, Act.APPROVED, "x", GLOBEX) is None
    assert office.desk.proposals(GLOBEX) == ()
    assert len(office.desk.proposals(ACME)) == 1


def test_a_circuit_is_to_be_named_where_there_are_many(office, monkeypatch) -> None:
    monkeypatch.setattr("sla.decided.SEARCHED_MAX", 2)

    with pytest.raises(UsageError, match="too many"):
        office.propose()
    assert office.propose(circuit_id="DEN-1") is not None
