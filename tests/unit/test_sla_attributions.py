"""Outages attributed by people: four eyes, any order, seconds moved and never as experienced."""

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.settings import TimeSettings
from sla.answers import Bucket, MonthAnswer, Outcome, Seconds
from sla.attributions import (
    Act,
    Attribution,
    AttributionWord,
    reclassifications,
    stopped,
)
from sla.contracts import ExclusionTerms, load_contracts
from sla.json import to_json
from sla.judged import JudgedRun
from sla.maintenance import STILL_S, MaintenanceWindow, fault, load_maintenance
from sla.outages import outage_id
from sla.queries import Queries
from sla.scope import AllCustomers

ALL = AllCustomers(commercial=True)
DAY = 86_400
CUT = parse_instant("2025-10-09T09:11:00Z")  # DEN-1, 300 s
END = parse_instant("2025-12-03T00:00:00Z")
LATER = END * MICROSECONDS
ALL_TERMS = ExclusionTerms(customer=True, force_majeure=True, waiting_for_customer=True)


def proposal(
    attribution: Attribution = Attribution.CUSTOMER,
    *,
    name: str = "p1",
    who: str = "noc",
    at: int = 0,
    start_s: int = CUT,
    end_s: int = CUT + 300,
) -> AttributionWord:
    return AttributionWord(
        name, Act.PROPOSED, who, LATER + at, "power switched off on site", "DEN-1",
        outage_id("DEN-1", start_s), start_s, end_s, attribution,
    )  # fmt: skip


def word(act: Act, *, name: str = "p1", who: str = "manager", at: int = 1) -> AttributionWord:
    return AttributionWord(name, act, who, LATER + at, "the customer confirms it")


APPROVED = word(Act.APPROVED)


def month_with(
    network, *words: AttributionWord, terms: ExclusionTerms = ALL_TERMS, windows=None
) -> MonthAnswer:
    contracts = {
        name: tuple(replace(one, exclusions=terms) for one in versions)
        for name, versions in load_contracts(network.folder / "contracts").items()
    }
    queries = Queries(
        network.store,
        network.inventory,
        contracts,
        load_maintenance(network.folder / "maintenance.yaml") if windows is None else windows,
        TimeSettings(),
        ManualClock(LATER),
        reclassifications(words),
    )
    answer = queries.month(ALL, "DEN-1", "2025-10")
    assert answer is not None
    assert answer.seconds.total == answer.as_experienced.total == 2_678_400
    assert answer.as_experienced == Seconds(2_678_100, 300, 0, 0)
    return answer


@pytest.mark.parametrize("attribution", [Attribution.CUSTOMER, Attribution.FORCE_MAJEURE])
def test_an_approved_attribution_leaves_the_contractual_buckets_if_the_contract_says_so(
    small_network, attribution
) -> None:
    answer = month_with(small_network, proposal(attribution), APPROVED)

    assert answer.seconds == Seconds(2_678_100, 0, 300, 0)
    assert (answer.availability_contractual, answer.availability_as_experienced) == (
        "100.00000", "99.98879",
    )  # fmt: skip
    assert answer.objectives[0].verdict is Outcome.MET
    (outage,) = answer.outages
    assert (outage.attribution, outage.down_seconds, outage.excluded_seconds) == (
        attribution.value, 0, 300,
    )  # fmt: skip
    (excluded,) = answer.exclusions
    assert (excluded.accepted, excluded.seconds) == (True, 300)
    assert excluded.scope == f"outage {outage.outage_id}"
    assert "proposed by noc" in excluded.reason
    assert "approved by manager" in excluded.reason
    assert answer.final


def test_a_contract_that_does_not_say_so_keeps_the_seconds_down_and_shows_why(
    small_network,
) -> None:
    answer = month_with(small_network, proposal(), APPROVED, terms=ExclusionTerms())

    assert answer.seconds == Seconds(2_678_100, 300, 0, 0)
    assert answer.outages[0].attribution == "customer"
    assert answer.exclusions[0].reason.startswith("Refused: the contract does not exclude customer")
    assert answer.objectives[0].verdict is Outcome.BREACHED


def test_a_measurement_fault_is_unmeasured_and_bounded_whatever_the_contract(small_network) -> None:
    answer = month_with(
        small_network,
        proposal(Attribution.MEASUREMENT_FAULT),
        APPROVED,
        terms=ExclusionTerms(),
    )

    assert answer.seconds == Seconds(2_678_100, 0, 0, 300)
    assert answer.availability_bounds == ("99.98879", "100.00000")
    assert answer.coverage == "99.98879"
    assert answer.exclusions == ()
    assert answer.outages[0].attribution == "measurement_fault"


@pytest.mark.parametrize(
    ("words", "standing", "final"),
    [
        ((), "proposed", False),
        ((word(Act.APPROVED, who="noc"),), "proposed", False),
        ((word(Act.REFUSED),), "refused", True),
        ((word(Act.REFUSED), word(Act.APPROVED, at=2)), "refused", True),
        ((word(Act.REVOKED, who="noc"),), "revoked", True),
        ((APPROVED, word(Act.REVOKED, at=2)), "revoked", True),
    ],
)
def test_what_is_not_approved_by_another_moves_nothing_and_is_shown(
    small_network, words, standing, final
) -> None:
    answer = month_with(small_network, proposal(), *words)

    assert answer.seconds == Seconds(2_678_100, 300, 0, 0)
    assert answer.outages[0].attribution == "carrier"
    assert [one.standing for one in answer.outages[0].attributions] == [standing]
    (shown,) = answer.exclusions
    assert (shown.accepted, shown.seconds) == (False, 0)
    assert answer.final is final
    assert (answer.open_proposals == ("p1",)) is not final


def test_the_last_approval_counts_and_the_ones_before_are_kept(small_network) -> None:
    answer = month_with(
        small_network,
        proposal(),
        APPROVED,
        proposal(Attribution.CARRIER, name="p2", at=5),
        word(Act.APPROVED, name="p2", at=6),
    )

    assert answer.outages[0].attribution == "carrier"
    assert answer.seconds.down == 300
    assert [one.proposal_id for one in answer.outages[0].attributions] == ["p1", "p2"]


def test_every_order_of_the_words_gives_the_same(small_network) -> None:
    words = [
        proposal(),
        APPROVED,
        word(Act.REVOKED, at=2),
        proposal(Attribution.FORCE_MAJEURE, name="p2", who="manager", at=3),
        word(Act.APPROVED, name="p2", who="noc", at=4),
    ]

    assert len({str(reclassifications(order)) for order in permutations(words)}) == 1
    assert month_with(small_network, *words).outages[0].attribution == "force_majeure"


def test_an_outage_whose_onset_late_data_moved_stays_attributed(small_network) -> None:
    writer = small_network.store.writer
    for sql in (
        "update spans set start_s = start_s - 60 where start_s = $cut and channel_key <= 4",
        "update spans set end_s = end_s - 60 where end_s = $cut and channel_key <= 4",
    ):
        writer.execute(sql, {"cut": CUT})
    queries = Queries(
        small_network.store,
        small_network.inventory,
        {
            name: tuple(replace(one, exclusions=ALL_TERMS) for one in versions)
            for name, versions in load_contracts(small_network.folder / "contracts").items()
        },
        (),
        TimeSettings(),
        ManualClock(LATER),
        reclassifications([proposal(), APPROVED]),
    )

    answer = queries.month(ALL, "DEN-1", "2025-10")

    assert answer is not None
    assert answer.outages[0].outage_id == outage_id("DEN-1", CUT - 60)
    assert answer.seconds == Seconds(2_678_040, 0, 360, 0)


def test_what_maintenance_took_out_stays_maintenances(small_network) -> None:
    window = MaintenanceWindow(
        id="CHG-1", circuit="DEN-1", start=CUT - 50, end=CUT + 100, announced_at=0,
        proposed_by="carrier", reason="card",
    )  # fmt: skip

    answer = month_with(small_network, proposal(), APPROVED, windows=(window,))

    assert answer.seconds == Seconds(2_678_050, 0, 350, 0)
    assert {one.exclusion_id: one.seconds for one in answer.exclusions} == {"CHG-1": 150, "p1": 200}


def wait(name: str, start: int, end: int = STILL_S, **more) -> MaintenanceWindow:
    known = {"announced_at": 0, "proposed_by": "desk", "approved_by": "noc", "reason": "no access"}
    return MaintenanceWindow(
        id=name, circuit="DEN-1", ticket="INC-7", start=start, end=end, **(known | more)
    )


def test_the_clock_of_an_outage_stands_while_its_ticket_waits(small_network) -> None:
    waits = (wait("a", CUT - 1000, CUT + 60), wait("b", CUT + 30, CUT + 100), wait("c", CUT + 250))

    answer = month_with(small_network, windows=waits)

    # a: 0 to 60, b: 60 to 100, c: 250 to the end and on; what was up stays up
    assert answer.seconds == Seconds(2_678_100, 150, 150, 0)
    assert [(one.exclusion_id, one.seconds) for one in answer.exclusions] == [
        ("a", 60), ("b", 40), ("c", 50),
    ]  # fmt: skip
    assert answer.exclusions[0].scope == "ticket INC-7"
    assert answer.exclusions[2].reason.endswith("The ticket still waits.")
    assert answer.outages[0].down_seconds == 150
    assert "9999" not in str(to_json(answer, commercial=True))


@pytest.mark.parametrize(
    ("more", "terms", "final", "said"),
    [
        ({"approved_by": None}, ALL_TERMS, False, "nobody has approved it"),
        ({"approved_by": "desk"}, ALL_TERMS, False, "who proposes does not approve"),
        ({"refused_by": "noc"}, ALL_TERMS, True, "refused by noc"),
        ({}, ExclusionTerms(), True, "the contract does not stop the clock"),
    ],
)
def test_a_wait_that_is_not_accepted_stops_nothing_and_is_shown(
    small_network, more, terms, final, said
) -> None:
    answer = month_with(small_network, windows=(wait("a", CUT, **more),), terms=terms)

    assert answer.seconds.down == 300
    assert said in answer.exclusions[0].reason
    assert answer.final is final


def test_a_ticket_names_a_circuit_and_only_a_ticket_has_no_end() -> None:
    good = wait("a", CUT)

    assert fault(good, set()) is None
    assert "no site or channel" in (fault(replace(good, channel="ch1"), set()) or "")
    assert fault(replace(good, ticket=None), set()) == "has no end"


RUNS = st.lists(st.tuples(st.integers(1, 50), st.sampled_from(list(Bucket))), max_size=20)
WAITS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200), st.text(max_size=2)))


@given(RUNS, WAITS)
def test_stopping_moves_exactly_the_down_seconds_under_a_wait(
    lengths: list[tuple[int, Bucket]], raw: list[tuple[int, int, str]]
) -> None:
    runs, at = [], 0
    for seconds, bucket in lengths:
        runs.append(JudgedRun(at, at + seconds, bucket, Bucket.DOWN, False))
        at += seconds
    waits = [(start, start + length, name) for start, length, name in raw]

    found, taken = stopped(runs, waits)

    cells = [bucket for seconds, bucket in lengths for _ in range(seconds)]
    expected = [
        Bucket.EXCLUDED
        if bucket is Bucket.DOWN and any(lower <= second < upper for lower, upper, _ in waits)
        else bucket
        for second, bucket in enumerate(cells)
    ]
    assert [run.bucket for run in found for _ in range(run.start_s, run.end_s)] == expected
    moved = expected.count(Bucket.EXCLUDED) - cells.count(Bucket.EXCLUDED)
    assert sum(piece.end_s - piece.start_s for piece in taken) == moved
    assert Fraction(len(cells)) == sum(run.end_s - run.start_s for run in found)


def test_the_explanation_of_an_attributed_month_sums_to_its_buckets(small_network) -> None:
    contracts = {
        name: tuple(replace(one, exclusions=ALL_TERMS) for one in versions)
        for name, versions in load_contracts(small_network.folder / "contracts").items()
    }
    queries = Queries(
        small_network.store, small_network.inventory, contracts, (wait("a", CUT, CUT + 60),),
        TimeSettings(), ManualClock(LATER), reclassifications([proposal(), APPROVED]),
    )  # fmt: skip

    found = queries.explain(ALL, "DEN-1", "2025-10")

    assert found is not None
    (excluded,) = [one for one in found.buckets if one.bucket is Bucket.EXCLUDED]
    assert excluded.seconds == 300
    assert [(one.exclusion_id, one.seconds) for one in excluded.pieces] == [("p1", 300)]
    assert {one.answer.exclusion_id: one.answer.seconds for one in found.exclusions} == {
        "p1": 300, "a": 0,
    }  # fmt: skip
