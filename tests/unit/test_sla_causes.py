"""What is kept of an answer tells the same causes as all of it."""

import json
from copy import deepcopy

import pytest

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.settings import TimeSettings
from sla.causes import basis, causes
from sla.contracts import load_contracts
from sla.evaluator import Evaluator
from sla.maintenance import load_maintenance
from sla.queries import Queries

END = parse_instant("2025-12-03T00:00:00Z") * MICROSECONDS
WINDOW = {
    "id": "W1", "start": "2025-10-01T00:00:00Z", "end": "2025-10-01T01:00:00Z", "scope": "circuit",
    "accepted": True, "seconds": 60, "reason": "Accepted: x.", "proposed_by": "ann",
    "decided_by": "bob", "open": False, "shown": True,
}  # fmt: skip
TICKET = WINDOW | {
    "id": "T1", "scope": "ticket 7", "reason": "Accepted: x. The ticket still waits.",
}  # fmt: skip
WORD = {
    "id": "P1", "attribution": "force_majeure", "standing": "proposed", "ticket": "", "reason": "r",
    "proposed_by": "ann", "proposed_at": "", "decided_by": None, "decided_at": None,
    "decided_reason": None,
}  # fmt: skip


def evaluator_of(network) -> Evaluator:
    clock = ManualClock(END)
    queries = Queries(
        network.store, network.inventory, load_contracts(network.folder / "contracts"),
        load_maintenance(network.folder / "maintenance.yaml"), TimeSettings(), clock,
    )  # fmt: skip
    return Evaluator(network.store, queries, clock)


@pytest.fixture
def answers(small_network):
    """Answers of a month that differ by whatever is a cause, alone and together."""
    evaluator_of(small_network).evaluate(["DEN-1"])
    ((payload,),) = small_network.store.writer.execute(
        "select payload from verdict_history where month = '2025-10'"
    ).fetchall()
    first = json.loads(payload)
    assert first["outages"]
    found = [first]

    def but(like=first, **changed):
        found.append(deepcopy(like) | changed)
        return found[-1]

    but(final=not first["final"])
    but(period=first["period"] | {"end": "2025-12-01T00:00:00Z"})
    but(period=first["period"] | {"start": "2025-09-01T00:00:00Z"})
    but(month_end="2025-11-02T00:00:00Z")
    but(as_experienced_seconds=first["as_experienced_seconds"] | {"down": 7})
    but(bad_but_not_down_seconds=99)
    segment = first["segments"][0]
    for key, value in (
        ("contract", {"id": "other", "version": 9}), ("start", "2025-10-02T00:00:00Z"),
        ("target", "1"), ("bandwidth_mbps", 1),
    ):  # fmt: skip
        but(segments=[segment | {key: value}])
    but(segments=[segment, segment | {"start": "2025-10-05T00:00:00Z"}])
    for window in (WINDOW, TICKET):
        but(exclusions=[window])
        but(exclusions=[window | {"start": "2025-10-01T00:30:00Z"}])
        but(exclusions=[window | {"end": "2025-10-01T00:30:00Z"}])
        but(exclusions=[window | {"accepted": False, "decided_by": None, "open": True}])
        but(exclusions=[window | {"shown": False, "reason": "Refused: x."}])
    but(exclusions=[WINDOW, TICKET])
    for standing in ("proposed", "accepted"):
        word = WORD | {"standing": standing, "decided_by": "bob", "decided_reason": "so"}
        outage = first["outages"][0] | {"attributions": [word]}
        but(outages=[outage], exclusions=[WINDOW | {"id": "P1"}])
    return found


def test_what_is_kept_of_an_answer_tells_the_same_causes(answers) -> None:
    told = set()
    for before in answers:
        kept = json.loads(json.dumps(basis(before)))
        for after in answers:
            assert causes(kept, after) == causes(before, after)
            told |= {cause.kind for cause in causes(before, after)}
    assert told == {
        "attribution", "maintenance", "ticket", "contract", "circuit", "late data", "time",
    }  # fmt: skip
    assert len(json.dumps(basis(answers[0]))) < len(json.dumps(answers[0])) / 4


def test_each_calculation_is_kept_with_what_the_next_is_compared_with(small_network) -> None:
    evaluator_of(small_network).evaluate(small_network.inventory.circuits)
    rows = small_network.store.writer.execute(
        "select payload, basis from verdict_history"
    ).fetchall()

    assert len(rows) == 11
    for payload, kept in rows:
        assert json.loads(kept) == basis(json.loads(payload))


def test_of_a_calculation_without_it_the_whole_answer_is_read(small_network) -> None:
    writer = small_network.store.writer
    evaluator_of(small_network).evaluate(small_network.inventory.circuits)
    writer.execute("update verdict_history set basis = null")
    writer.execute("update verdict_history set basis = 'not JSON' where circuit_id <> 'DEN-1'")
    november_5 = parse_instant("2025-11-05T00:00:00Z")
    for sql in (
        "update spans set start_s = start_s + 120 where channel_key in (1, 2) and start_s = $at",
        "insert into spans select k, $at // 86400, $at, $at + 120, 2, 0 from range(1, 3) t(k)",
    ):
        writer.execute(sql, {"at": november_5})

    (change,) = evaluator_of(small_network).evaluate(small_network.inventory.circuits)

    assert change.about == ("DEN-1", "2025-11")
    assert change.reason.endswith(" Because: samples came late.")
