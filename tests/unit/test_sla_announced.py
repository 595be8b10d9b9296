"""Which seconds of a window were announced when, and by whose word they stand."""

import json
from dataclasses import replace
from typing import Any

import pytest

from linksla.announcements import BadAnnouncement
from sla.announced import Revision, Word, read_window, windows_in_force
from sla.contracts import MaintenanceTerms
from sla.exclusions import decide
from sla.maintenance import MaintenanceWindow

HOUR = 3_600
START = 1_000_000 * HOUR
WINDOW = MaintenanceWindow(
    id="CHG-7", circuit="DEN-1", start=START, end=START + 4 * HOUR, announced_at=0,
    proposed_by="carrier", reason="card",
)  # fmt: skip


def revision(number: int, hours_before: float, **changes: Any) -> Revision:
    at_us = int((START - hours_before * HOUR) * 1_000_000)
    return Revision(number, at_us, replace(WINDOW, **changes))


def withdrawal(number: int) -> Revision:
    return Revision(number, 0, None)


def parts(*history: Revision, word: Word | None = None) -> list[tuple[str, float, float, float]]:
    """Return (id, start, end, announced) in hours from START."""
    words = {} if word is None else {"CHG-7": word}
    return [
        (w.id, *((at - START) / HOUR for at in (w.start, w.end, w.announced_at)))
        for w in windows_in_force((), {"CHG-7": history}, words)
    ]  # type: ignore[misc]


def test_seconds_that_a_revision_adds_have_its_own_notice() -> None:
    wider = revision(9, 10, start=START - HOUR, end=START + 5 * HOUR)

    assert parts(revision(4, 100), wider) == [
        ("CHG-7", 0, 4, -100),
        ("CHG-7#2", -1, 0, -10),
        ("CHG-7#2.2", 4, 5, -10),
    ]


def test_a_window_that_is_made_narrower_keeps_its_first_notice() -> None:
    assert parts(revision(4, 100), revision(5, 1, end=START + HOUR)) == [("CHG-7", 0, 1, -100)]


def test_a_window_moved_to_where_it_ended_is_announced_anew() -> None:
    moved = revision(5, 1, start=START + 4 * HOUR, end=START + 6 * HOUR)

    assert parts(revision(4, 100), moved) == [("CHG-7", 4, 6, -1)]


def test_each_revision_announces_what_lies_between_those_before() -> None:
    first = revision(1, 100, start=START + HOUR, end=START + 2 * HOUR)
    second = revision(2, 50, start=START + 3 * HOUR, end=START + 4 * HOUR)
    wide = revision(3, 10, start=START, end=START + 5 * HOUR)

    assert parts(first, second, wide) == [
        ("CHG-7", 1, 2, -100), ("CHG-7#2", 3, 4, -50), ("CHG-7#3", 0, 1, -10),
        ("CHG-7#3.2", 2, 3, -10), ("CHG-7#3.3", 4, 5, -10),
    ]  # fmt: skip


def test_windows_are_told_in_the_order_of_their_ids() -> None:
    revisions = {
        name: [Revision(1, 0, replace(WINDOW, id=name))] for name in ("CHG-9", "CHG-7", "CHG-8")
    }

    assert [one.id for one in windows_in_force((), revisions, {})] == ["CHG-7", "CHG-8", "CHG-9"]


def test_a_window_moved_elsewhere_is_announced_anew() -> None:
    moved = revision(5, 1, start=START + 8 * HOUR, end=START + 9 * HOUR)

    assert parts(revision(4, 100), moved) == [("CHG-7", 8, 9, -1)]


def test_a_window_on_another_channel_is_announced_anew() -> None:
    assert parts(revision(4, 100, channel="ch1"), revision(5, 1)) == [("CHG-7", 0, 4, -1)]


def test_what_did_not_ask_to_be_excluded_announced_no_exclusion() -> None:
    before = revision(4, 100, exclude_from_sla=False)

    assert parts(before, revision(5, 1)) == [("CHG-7", 0, 4, -1)]


def test_a_withdrawn_window_is_gone_and_its_notice_with_it() -> None:
    assert parts(revision(4, 100), withdrawal(5)) == []
    assert parts(revision(4, 100), withdrawal(5), revision(6, 1)) == [("CHG-7", 0, 4, -1)]


def test_an_instant_within_a_second_counts_as_the_next_second() -> None:
    late = Revision(1, START * 1_000_000 - 1, WINDOW)

    assert parts(late) == [("CHG-7", 0, 4, 0)]


def test_approval_covers_what_was_announced_when_it_was_given() -> None:
    wider = revision(9, 1, end=START + 5 * HOUR)
    first, second = windows_in_force(
        (), {"CHG-7": [revision(4, 2), wider]}, {"CHG-7": Word(4, True, "noc")}
    )

    assert (first.approved_by, second.approved_by) == ("noc", None)
    terms = MaintenanceTerms(notice_hours=72)
    assert decide(first, terms).accepted
    assert not decide(second, terms).accepted


def test_a_refused_window_is_not_excluded_whatever_its_notice() -> None:
    (window,) = windows_in_force(
        (), {"CHG-7": [revision(4, 100)]}, {"CHG-7": Word(4, False, "noc")}
    )

    found = decide(window, MaintenanceTerms(notice_hours=72))

    assert (found.accepted, found.reason) == (False, "refused by noc")


def test_what_is_announced_overrides_the_file_by_id() -> None:
    other = replace(WINDOW, id="CHG-8")

    found = windows_in_force((WINDOW, other), {"CHG-7": [withdrawal(1)]}, {})

    assert [window.id for window in found] == ["CHG-8"]


def test_a_window_of_the_file_can_be_approved() -> None:
    (window,) = windows_in_force((WINDOW,), {}, {"CHG-7": Word(0, True, "noc")})

    assert window.approved_by == "noc"


MESSAGE = {
    "id": "CHG-7", "circuit": "DEN-1", "start": "2026-01-20T06:00:00Z",
    "end": "2026-01-20T08:00:00Z", "proposed_by": "carrier", "reason": "card",
}  # fmt: skip


def test_a_proposer_neither_dates_nor_approves_his_own_window() -> None:
    said = MESSAGE | {"announced_at": "2020-01-01T00:00:00Z", "approved_by": "the boss"}

    window = read_window("CHG-7", json.dumps(said).encode())

    assert (window.announced_at, window.approved_by) == (0, None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"id": "CHG-8"}, "another id"),
        ({"site": "Denver"}, "not both"),
        ({"end": "2026-01-20T06:00:00Z"}, "end after its start"),
        ({"start": "2026-01-20T06:00:00"}, "no offset"),
        ({"colour": "red"}, "colour"),
        ({"reason": "a\u202eb"}, "bidirectional"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(changes: dict[str, str], why: str) -> None:
    with pytest.raises(BadAnnouncement, match=why):
        read_window("CHG-7", json.dumps(MESSAGE | changes).encode())


def test_an_id_with_a_number_sign_is_refused() -> None:
    with pytest.raises(BadAnnouncement, match="no #"):
        read_window("CHG#2", json.dumps(MESSAGE | {"id": "CHG#2"}).encode())
