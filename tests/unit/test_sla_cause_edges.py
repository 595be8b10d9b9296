"""Why a month is not what it was: each thing that changes alone, in its own words."""

from typing import Any

import pytest

from sla.causes import HIDDEN, LATE_DATA, Cause, basis, causes

JUNE, JULY = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"
MIDDLE = "2026-06-15T00:00:00Z"
WINDOW = {
    "id": "W", "start": JUNE, "end": MIDDLE, "scope": "circuit", "accepted": True,
    "reason": "Accepted: x.", "proposed_by": "ann", "decided_by": None, "open": False,
    "shown": True,
}  # fmt: skip
WAITING = WINDOW | {
    "id": "T",
    "scope": "ticket 7",
    "reason": "Accepted: x. The ticket still waits.",
}
WORD = {
    "id": "P", "attribution": "force_majeure", "standing": "proposed", "reason": "a storm",
    "proposed_by": "ann", "decided_by": None, "decided_reason": None,
}  # fmt: skip
PART = {
    "contract": {"id": "c", "version": 1},
    "start": JUNE,
    "target": "99.9",
    "bandwidth_mbps": 10,
}


def answer(**more: Any) -> dict[str, Any]:
    known = {
        "period": {"start": JUNE, "end": JULY}, "final": True, "complete_up_to": JULY,
        "as_experienced_seconds": {"up": 9, "down": 1, "unmeasured": 0},
        "bad_but_not_down_seconds": 0, "month_end": JULY, "segments": [PART], "outages": [],
        "exclusions": [],
    }  # fmt: skip
    return known | more


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.kind, one.what) for one in causes(before, after)]


LATE = [(LATE_DATA, "samples came late")]
TIME = [("time", f"complete up to {JULY}")]
OTHER_VERSION = ("contract", "another contract version is in force, or from another instant on")
OTHER_TERMS = ("contract", "the contract's target or the bandwidth is another")
OTHER_CIRCUIT = ("circuit", "the circuit's active time, owner or zone is another")
OTHER_SECONDS = {"as_experienced_seconds": {"up": 8, "down": 2, "unmeasured": 0}}


def test_what_is_not_shown_to_the_customer_is_told_as_a_record() -> None:
    assert Cause("maintenance", "W moved").told == "W moved"
    assert Cause("maintenance", "W moved", shown=False).told == HIDDEN
    assert HIDDEN == "a maintenance record changed"


def test_equal_answers_have_no_cause() -> None:
    assert told(answer(), answer()) == []
    assert told(
        answer(exclusions=[WINDOW, WAITING], outages=[{"id": "o", "attributions": [WORD]}]),
        answer(exclusions=[WINDOW, WAITING], outages=[{"id": "o", "attributions": [WORD]}]),
    ) == []  # fmt: skip


def test_other_seconds_of_the_same_period_are_late_samples() -> None:
    assert told(answer(), answer(**OTHER_SECONDS)) == LATE
    assert told(answer(), answer(bad_but_not_down_seconds=5)) == LATE
    assert told(answer(final=False), answer(final=True, **OTHER_SECONDS)) == LATE


def test_other_seconds_after_another_contract_or_circuit_are_not() -> None:
    other = PART | {"contract": {"id": "c", "version": 2}}

    assert told(answer(), answer(segments=[other], **OTHER_SECONDS)) == [OTHER_VERSION]
    assert told(answer(), answer(month_end=MIDDLE, **OTHER_SECONDS)) == [OTHER_CIRCUIT]
    assert told(
        answer(), answer(segments=[other], exclusions=[WINDOW], **OTHER_SECONDS)
    ) == [
        ("maintenance", f"W (circuit) from {JUNE} to {MIDDLE} announced by ann: accepted"),
        OTHER_VERSION,
    ]  # fmt: skip


def test_a_period_that_has_grown_is_time() -> None:
    short = {"period": {"start": JUNE, "end": MIDDLE}}

    assert told(answer(**short), answer()) == TIME
    assert told(answer(**short), answer(**OTHER_SECONDS)) == TIME
    assert told(answer(), answer(**short)) == []
    assert told(answer(), answer(period={"start": MIDDLE, "end": JULY})) == [OTHER_CIRCUIT]
    assert told(
        answer(period={"start": JUNE, "end": MIDDLE}), answer(period={"start": MIDDLE, "end": JULY})
    ) == [OTHER_CIRCUIT]  # fmt: skip
    assert told(answer(**short), answer(exclusions=[WINDOW])) == [
        ("maintenance", f"W (circuit) from {JUNE} to {MIDDLE} announced by ann: accepted"), *TIME
    ]  # fmt: skip


def test_only_final_is_time_and_nothing_where_something_else_made_it() -> None:
    assert told(answer(final=False), answer()) == TIME
    assert told(answer(), answer(final=False)) == TIME
    assert told(answer(final=False), answer(exclusions=[WINDOW])) == [
        ("maintenance", f"W (circuit) from {JUNE} to {MIDDLE} announced by ann: accepted")
    ]


def outage(*words: dict[str, Any]) -> dict[str, Any]:
    return {"id": "o", "attributions": list(words)}


def test_a_word_about_an_outage_is_told_once_it_stands_otherwise() -> None:
    new, decided = WORD | {"id": "Q"}, WORD | {
        "standing": "approved", "decided_by": "bob", "decided_reason": "it did blow",
    }  # fmt: skip
    before = answer(outages=[outage(WORD)])

    assert causes(answer(outages=[outage()]), before) == (
        Cause("attribution", "outage o to force majeure: proposed by ann: a storm", "ann"),
    )
    assert causes(before, answer(outages=[outage(decided)])) == (
        Cause("attribution", "outage o to force majeure: approved by bob: it did blow", "bob"),
    )
    assert causes(before, answer(outages=[{"id": "none"}, outage(WORD, new)])) == (
        Cause("attribution", "outage o to force majeure: proposed by ann: a storm", "ann"),
    )
    assert told(before, answer(outages=[outage(WORD)])) == []


def test_the_exclusion_of_an_attributed_outage_is_told_by_the_word_alone() -> None:
    both = answer(outages=[outage(WORD)], exclusions=[WINDOW | {"id": "P", "scope": "outage o"}])

    assert [kind for kind, _ in told(answer(), both)] == ["attribution"]
    assert told(both, answer()) == []


@pytest.mark.parametrize(
    ("was", "now", "kind", "said", "who"),
    [
        ([], [WINDOW], "maintenance",
         f"W (circuit) from {JUNE} to {MIDDLE} announced by ann: accepted", "ann"),
        ([], [WINDOW | {"decided_by": "bob"}], "maintenance",
         f"W (circuit) from {JUNE} to {MIDDLE} announced by bob: accepted", "bob"),
        ([], [WINDOW | {"proposed_by": "", "accepted": False}], "maintenance",
         f"W (circuit) from {JUNE} to {MIDDLE} announced by somebody: refused", ""),
        ([], [WINDOW | {"accepted": False, "open": True}], "maintenance",
         f"W (circuit) from {JUNE} to {MIDDLE} announced by ann: not decided", "ann"),
        ([WINDOW | {"decided_by": "bob"}], [], "maintenance", "W (circuit) withdrawn", "ann"),
        ([WAITING], [], "ticket", "T (ticket 7) withdrawn", "ann"),
        ([WINDOW | {"scope": "outage o"}], [], "attribution", "W (outage o) withdrawn", "ann"),
        ([WINDOW], [WINDOW | {"start": MIDDLE}], "maintenance",
         f"W (circuit) moved from {JUNE}/{MIDDLE} to {MIDDLE}/{MIDDLE}", "ann"),
        ([WINDOW], [WINDOW | {"end": JULY}], "maintenance",
         f"W (circuit) moved from {JUNE}/{MIDDLE} to {JUNE}/{JULY}", "ann"),
        ([WAITING], [WAITING | {"start": MIDDLE}], "ticket",
         f"T (ticket 7) moved from {JUNE}/{MIDDLE} to {MIDDLE}/{MIDDLE}", "ann"),
        ([WAITING], [WAITING | {"end": JULY, "reason": "Accepted: x."}], "ticket",
         f"T (ticket 7) moved from {JUNE}/{MIDDLE} to {JUNE}/{JULY}", "ann"),
        ([WINDOW], [WINDOW | {"decided_by": "bob"}], "maintenance",
         "W (circuit) accepted by bob", "bob"),
        ([WINDOW], [WINDOW | {"accepted": False}], "maintenance", "W (circuit) refused", "ann"),
        ([WINDOW], [WINDOW | {"start": MIDDLE, "accepted": False, "decided_by": "bob"}],
         "maintenance",
         f"W (circuit) moved from {JUNE}/{MIDDLE} to {MIDDLE}/{MIDDLE} and refused by bob", "bob"),
    ],
)  # fmt: skip
def test_a_record_is_told_by_what_became_of_it(
    was: list[dict[str, Any]], now: list[dict[str, Any]], kind: str, said: str, who: str
) -> None:
    assert causes(answer(exclusions=was), answer(exclusions=now)) == (Cause(kind, said, who),)


def test_a_ticket_that_still_waits_has_not_moved_and_others_are_told_by_name() -> None:
    assert told(
        answer(exclusions=[WAITING]), answer(exclusions=[WAITING | {"end": JULY}])
    ) == []  # fmt: skip
    names = [f"W{number}" for number in range(9)]
    found = causes(
        answer(exclusions=[WINDOW | {"id": name} for name in names[5:]]),
        answer(exclusions=[WINDOW | {"id": name, "end": JULY} for name in reversed(names)]),
    )
    assert [one.what.split()[0] for one in found] == names


def test_a_record_that_is_not_shown_is_not_told_to_the_customer() -> None:
    (hidden,) = causes(answer(), answer(exclusions=[WINDOW | {"shown": False}]))
    (old,) = causes(
        answer(), answer(exclusions=[{key: WINDOW[key] for key in WINDOW if key != "shown"}])
    )

    assert (hidden.shown, hidden.told, old.shown) == (False, HIDDEN, True)


NEXT = PART | {"start": MIDDLE}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([PART], [PART | {"contract": {"id": "d", "version": 1}}], [OTHER_VERSION]),
        ([PART], [PART | {"start": MIDDLE}], [OTHER_VERSION]),
        ([PART], [PART | {"target": "99"}], [OTHER_TERMS]),
        ([PART], [PART | {"bandwidth_mbps": 20}], [OTHER_TERMS]),
        ([PART], [PART | {"start": MIDDLE, "target": "99"}], [OTHER_VERSION]),
        ([PART], [PART, NEXT], [OTHER_VERSION]),
        ([PART, NEXT], [PART], [OTHER_VERSION]),
        ([PART, NEXT], [PART, NEXT], []),
        ([PART, NEXT], [PART, NEXT | {"target": "99"}], [OTHER_TERMS]),
    ],
)
def test_other_terms_are_told(
    before: list[Any], after: list[Any], said: list[tuple[str, str]]
) -> None:
    assert told(answer(segments=before), answer(segments=after)) == said


def test_a_segment_that_has_only_begun_is_no_change_of_terms() -> None:
    short = answer(period={"start": JUNE, "end": MIDDLE})

    assert told(short, answer(segments=[PART, NEXT])) == TIME
    assert told(short, answer(segments=[PART | {"target": "9"}, NEXT])) == [OTHER_TERMS, *TIME]
    assert told(short, answer(segments=[NEXT, PART])) == [OTHER_VERSION, *TIME]
    assert told(answer(segments=[PART, NEXT]), short) == [OTHER_VERSION]


def test_what_is_kept_of_an_answer_is_what_is_compared() -> None:
    whole = answer(
        outages=[outage(WORD), outage()], exclusions=[WINDOW], sentence="June: met.", credit={},
    )  # fmt: skip

    assert basis(whole) == {
        "period": {"start": JUNE, "end": JULY}, "final": True,
        "as_experienced_seconds": {"up": 9, "down": 1, "unmeasured": 0},
        "bad_but_not_down_seconds": 0, "month_end": JULY, "segments": [PART],
        "outages": [{"attributions": [{"id": "P", "standing": "proposed"}]}],
        "exclusions": [WINDOW],
    }  # fmt: skip
