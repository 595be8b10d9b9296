"""What maintenance takes out: the vectors through the SQL, acceptance, cap and overlaps."""

import re
from fractions import Fraction

import pytest

from sla.answers import Bucket
from sla.boundaries import State
from sla.contracts import ExclusionTerms, MaintenanceTerms
from sla.exclusions import Cap, Excluded, decide, decide_wait, excluded_seconds
from sla.judged import OutageRange, in_buckets, outage_ranges
from sla.maintenance import MaintenanceWindow
from sla.runs import AvailabilityRun, Judgement, availability_runs, cut_at_windows
from sla.spans import LiveSpan

GRID = 10
LETTER = {Bucket.UP: "u", Bucket.DOWN: "d", Bucket.UNMEASURED: "?"}


def cells(text: str) -> str:
    return "".join(letter * int(count) for letter, count in re.findall(r"([A-Za-z.?])(\d+)", text))


def live(channels):
    for key, text in enumerate(channels):
        at = 0
        for letter, count in re.findall(r"([GB?])(\d+)", text):
            end = at + int(count) * GRID
            if letter != "?":
                yield LiveSpan(key, at, end, 1 if letter == "G" else 2, 0)
            at = end


def window(name, start, end, **more):
    known = {"circuit": "A", "announced_at": 0, "proposed_by": "carrier", "reason": "work"}
    return MaintenanceWindow(id=name, start=start, end=end, **(known | more))


def test_every_case_of_channel_windows_agrees(memory_store, vectors) -> None:
    for case in vectors("exclusions")["cases"]:
        channels = case["channels"]
        length = len(cells(channels[0])) * GRID
        windows = [
            window(f"w{number}", lower * GRID, upper * GRID, channel=str(channel))
            for number, (channel, lower, upper) in enumerate(case["windows_channel_from_to"])
        ]
        parts = [
            part
            for key in range(len(channels))
            for part in cut_at_windows(
                0, key, 0, length, [(w.start, w.end) for w in windows if w.channel == str(key)]
            )
        ]
        k, n = case["up_at_least"], case["consecutive"]
        with memory_store.reader() as cursor:
            nominal, good = availability_runs(
                cursor,
                [
                    Judgement(0, k, n, GRID, 6, 0, length),
                    Judgement(0, k, n, GRID, 6, 0, length, windows_good=True),
                ],
                parts,
                list(live(channels)),
            )
        taken = ["."] * (length // GRID)
        for piece in excluded_seconds(windows, nominal, good, [Cap(0, length, None)]):
            for cell in range(piece.start_s // GRID, piece.end_s // GRID):
                taken[cell] = "x"
        text = "".join(LETTER[r.availability] * ((r.end_s - r.start_s) // GRID) for r in nominal)

        assert text == cells(case["expect_availability"]), case["name"]
        assert "".join(taken) == cells(case["expect_excluded"]), case["name"]


TERMS = MaintenanceTerms(notice_hours=72, cap_hours_per_month=Fraction(1))
HOUR = 3_600
START = 100 * HOUR


@pytest.mark.parametrize(
    ("more", "accepted", "said"),
    [
        ({"announced_at": START - 72 * HOUR}, True, "72 h are asked for"),
        ({"announced_at": START - 72 * HOUR + 1}, False, "nobody has approved it"),
        ({"announced_at": START + HOUR}, False, "after its start"),
        ({"announced_at": START, "approved_by": "noc"}, True, "approved by noc"),
        ({"announced_at": START, "approved_by": "carrier"}, False, "does not approve"),
        ({"announced_at": 0, "exclude_from_sla": False}, False, "does not touch the SLA"),
    ],
)
def test_a_window_is_accepted_by_notice_or_by_another_than_its_proposer(
    more, accepted: bool, said: str
) -> None:
    decision = decide(window("w", START, START + HOUR, **more), TERMS)

    assert decision.accepted is accepted
    assert said in decision.reason
    assert decision.is_open is ("nobody" in said or "does not approve" in said or "after" in said)


@pytest.mark.parametrize(
    ("more", "accepted", "is_open", "said"),
    [
        ({}, False, True, "proposed by carrier, and nobody has approved it"),
        ({"approved_by": "carrier"}, False, True, "who proposes does not approve"),
        ({"approved_by": "noc"}, True, False, "approved by noc"),
        ({"refused_by": "noc"}, False, False, "refused by noc"),
        ({"announced_at": 0}, False, True, "nobody has approved it"),
        ({"approved_by": "noc", "exclude_from_sla": False}, False, False, "does not touch the SLA"),
    ],
)
def test_a_wait_is_accepted_by_another_than_its_proposer_and_by_no_notice(
    more, accepted: bool, is_open: bool, said: str
) -> None:
    ticket = window("w", START, START + HOUR, **more)
    decision = decide_wait(ticket, ExclusionTerms(waiting_for_customer=True))

    assert (decision.accepted, decision.is_open) == (accepted, is_open)
    assert said in decision.reason
    other = decide_wait(ticket, ExclusionTerms())
    assert (other.accepted, other.is_open) == (False, False)
    assert "does not stop the clock" in other.reason


UP = [AvailabilityRun(0, 1_000, State.GOOD, Bucket.UP)]


def test_overlaps_go_to_the_window_that_starts_first_then_to_the_smaller_id() -> None:
    windows = [window("b", 100, 200), window("a", 100, 150), window("c", 50, 120)]

    found = excluded_seconds(windows, UP, UP, [Cap(0, 1_000, None)])

    assert found == (Excluded(50, 120, "c"), Excluded(120, 150, "a"), Excluded(150, 200, "b"))


def test_the_cap_is_used_up_in_order_of_time_and_cuts_within_a_window() -> None:
    windows = [window("late", 300, 400), window("early", 100, 180)]

    found = excluded_seconds(windows, UP, UP, [Cap(0, 1_000, 100)])

    assert found == (Excluded(100, 180, "early"), Excluded(300, 320, "late"))


def test_each_month_has_its_own_cap() -> None:
    found = excluded_seconds(
        [window("over the end", 400, 600)], UP, UP, [Cap(0, 500, 30), Cap(500, 1_000, 30)]
    )

    assert found == (Excluded(400, 430, "over the end"), Excluded(500, 530, "over the end"))


def test_a_month_that_a_window_does_not_touch_hides_none_that_it_does() -> None:
    caps = [Cap(0, 500, 30), Cap(500, 1_000, None)]

    assert excluded_seconds([window("w", 600, 700)], UP, UP, caps) == (Excluded(600, 700, "w"),)


def test_what_comes_after_the_cap_is_used_up_is_not_there_at_all() -> None:
    windows = [window("early", 100, 180), window("late", 300, 400)]

    assert excluded_seconds(windows, UP, UP, [Cap(0, 1_000, 80)]) == (Excluded(100, 180, "early"),)


def test_a_window_over_a_months_end_is_one_piece_whatever_was_before() -> None:
    windows = [window("a", 100, 200), window("b", 200, 250), window("c", 400, 600)]
    caps = [Cap(0, 500, None), Cap(500, 1_000, None)]

    assert excluded_seconds(windows, UP, UP, caps) == (
        Excluded(100, 200, "a"), Excluded(200, 250, "b"), Excluded(400, 600, "c"),
    )  # fmt: skip


def test_buckets_have_no_run_without_a_second() -> None:
    runs = [
        AvailabilityRun(0, 500, State.GOOD, Bucket.UP),
        AvailabilityRun(500, 1_000, State.BAD, Bucket.DOWN),
    ]
    taken = [Excluded(0, 100, "a"), Excluded(400, 500, "b"), Excluded(900, 1_000, "c")]

    found = [(run.start_s, run.end_s, run.bucket) for run in in_buckets(runs, taken, 0, 1_000)]

    assert found == [
        (0, 100, Bucket.EXCLUDED), (100, 400, Bucket.UP), (400, 500, Bucket.EXCLUDED),
        (500, 900, Bucket.DOWN), (900, 1_000, Bucket.EXCLUDED),
    ]  # fmt: skip


def test_each_run_keeps_its_state_and_gets_what_is_excluded_of_it() -> None:
    runs = [
        AvailabilityRun(0, 500, State.BAD, Bucket.UP),  # too short to be down
        AvailabilityRun(500, 1_000, State.GOOD, Bucket.DOWN),
    ]
    taken = [Excluded(100, 200, "a"), Excluded(600, 700, "b")]

    found = [(run.end_s, run.bucket, run.bad) for run in in_buckets(runs, taken, 0, 1_000)]

    assert found == [
        (100, Bucket.UP, True), (200, Bucket.EXCLUDED, True), (500, Bucket.UP, True),
        (600, Bucket.DOWN, False), (700, Bucket.EXCLUDED, False), (1_000, Bucket.DOWN, False),
    ]  # fmt: skip


def test_an_outage_ends_where_the_circuit_is_up_again_and_not_where_nothing_is_known() -> None:
    runs = [
        AvailabilityRun(0, 100, State.BAD, Bucket.DOWN),
        AvailabilityRun(100, 200, State.UNKNOWN, Bucket.UNMEASURED),
        AvailabilityRun(200, 300, State.BAD, Bucket.DOWN),
        AvailabilityRun(300, 400, State.UNKNOWN, Bucket.UNMEASURED),
        AvailabilityRun(400, 500, State.GOOD, Bucket.UP),
        AvailabilityRun(500, 600, State.BAD, Bucket.DOWN),
    ]

    found = outage_ranges(in_buckets(runs, [], 0, 600))

    assert found == (OutageRange(0, 300), OutageRange(500, None))


def test_a_channel_window_takes_nothing_while_the_circuit_is_up() -> None:
    found = excluded_seconds([window("w", 100, 200, channel="ch1")], UP, UP, [Cap(0, 1_000, None)])

    assert found == ()
