"""Pieces of a period: where each begins and ends, what it lies in, and what a record left."""

from typing import Any

import pytest

from sla.answers import Bucket, ExclusionAnswer, Outage
from sla.evidence import ChannelEvidence
from sla.exclusions import Excluded
from sla.explanation import ChannelSpan, Piece
from sla.judged import JudgedRun
from sla.pieces import bad_pieces, explain_exclusion, pieces_of, reasoned
from tests.unit.past_bench import DARK, DOWN, OUT, runs_of

UP = Bucket.UP


def pieces(
    text: str, start: int = 0, end: int = 100, excluded: Any = (), named: Any = None
) -> list[tuple[int, int, Bucket, str, str | None]]:
    taken = [Excluded(*one) for one in excluded]
    found = pieces_of(runs_of(text), taken, named or {}, start, end)
    return [(one.start_s, one.end_s, one.bucket, one.why, one.exclusion_id) for one in found]


def test_pieces_cover_the_range_and_equal_neighbours_are_one() -> None:
    assert pieces("U40 U20 D10 U30") == [
        (0, 60, UP, "", None), (60, 70, DOWN, "", None), (70, 100, UP, "", None),
    ]  # fmt: skip
    assert pieces("U40 D10 U50", 40, 50) == [(40, 50, DOWN, "", None)]
    assert pieces("U40 D10 U50", 39, 51) == [
        (39, 40, UP, "", None), (40, 50, DOWN, "", None), (50, 51, UP, "", None),
    ]  # fmt: skip
    assert pieces("U10 D10", -5, 30) == [
        (-5, 0, DARK, "", None), (0, 10, UP, "", None), (10, 20, DOWN, "", None),
        (20, 30, DARK, "", None),
    ]  # fmt: skip
    assert pieces("U10 M10", 0, 30) == [(0, 10, UP, "", None), (10, 30, DARK, "", None)]
    assert pieces("", 3, 9) == [(3, 9, DARK, "", None)]
    assert pieces("U10", 10, 10) == []


def test_a_hole_between_runs_is_unmeasured() -> None:
    runs = (
        JudgedRun(0, 10, UP, UP, bad=False), JudgedRun(15, 20, UP, UP, bad=False),
    )  # fmt: skip
    found = pieces_of(runs, (), {}, 0, 20)

    assert [(one.start_s, one.end_s, one.bucket) for one in found] == [
        (0, 10, UP), (10, 15, DARK), (15, 20, UP),
    ]  # fmt: skip


def test_the_same_bucket_experienced_in_another_way_is_another_piece() -> None:
    found = pieces_of(runs_of("M10 A10"), (), {}, 0, 20)

    assert [(one.start_s, one.as_experienced) for one in found] == [(0, DARK), (10, DOWN)]


def test_what_was_taken_out_is_told_by_record() -> None:
    named = {"A": "window A", "B": "window B"}
    taken = [(15, 20, "B"), (10, 15, "A"), (20, 24, "C"), (0, 3, "A")]

    assert pieces("U10 E20 U70", excluded=taken, named=named) == [
        (0, 10, UP, "", None), (10, 15, OUT, "window A", "A"), (15, 20, OUT, "window B", "B"),
        (20, 24, OUT, "a record that is not shown to you", None), (24, 30, OUT, "", None),
        (30, 100, UP, "", None),
    ]  # fmt: skip
    assert pieces("U10 E20 U70", 12, 18, taken, named) == [
        (12, 15, OUT, "window A", "A"), (15, 18, OUT, "window B", "B"),
    ]  # fmt: skip
    gap = [(11, 15, "A"), (18, 40, "B")]
    assert pieces("U10 E20 U70", excluded=gap, named=named) == [
        (0, 10, UP, "", None), (10, 11, OUT, "", None), (11, 15, OUT, "window A", "A"),
        (15, 18, OUT, "", None), (18, 30, OUT, "window B", "B"), (30, 100, UP, "", None),
    ]  # fmt: skip
    within = [(10, 20, "A"), (12, 20, "B"), (20, 30, "C")]
    assert [one[:2] for one in pieces("U10 E20 U70", excluded=within, named=named)] == [
        (0, 10), (10, 20), (20, 30), (30, 100),
    ]  # fmt: skip
    twice = [(10, 20, "A"), (12, 30, "B")]  # the first has what both cover
    assert pieces("U10 E20 U70", excluded=twice, named=named)[1:3] == [
        (10, 20, OUT, "window A", "A"), (20, 30, OUT, "window B", "B"),
    ]  # fmt: skip


def outage(name: str, start: int, end: int | None) -> Outage:
    return Outage(name, "C", start, end, 0, 0, "carrier", carried_in=False)


def span(start: int, end: int, state: str = "unknown", channel: str = "ch1") -> ChannelEvidence:
    return ChannelEvidence(channel, (ChannelSpan(channel, start, end, state, ""),))


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [(0, 10, None), (0, 11, "first"), (19, 30, "first"), (20, 30, None), (20, 31, "second"),
     (90, 99, "second")],
)  # fmt: skip
def test_a_piece_lies_in_the_outage_that_it_touches(
    start: int, end: int, within: str | None
) -> None:
    known = [outage("first", 10, 20), outage("second", 30, None)]
    piece = Piece(start, end, DOWN, DOWN, "")

    found = reasoned(piece, known, ())

    assert (found.outage_id, found.why) == (within, f"outage {within}")
    assert reasoned(Piece(start, end, UP, UP, ""), known, ()).outage_id is None
    out = reasoned(Piece(start, end, OUT, DOWN, "window W"), known, ())
    assert (out.outage_id, out.why) == (within, "window W; it was down")
    attributed = reasoned(Piece(start, end, DARK, DOWN, ""), known, ())
    assert (attributed.outage_id, attributed.why) == (
        within, "taken as unmeasured; it was down",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ([], "nothing is known of enough channels"),
        ([span(0, 90, "good")], "nothing is known of enough channels"),
        ([span(0, 90)], "nothing is known of ch1"),
        ([span(0, 15)], "nothing is known of ch1 for 5 s"),
        ([span(0, 10), span(20, 30)], "nothing is known of enough channels"),
        ([span(0, 90), span(18, 90, channel="ch2")], "nothing is known of ch1, ch2 for 2 s"),
    ],
)
def test_an_unmeasured_piece_names_the_channels_that_were_silent(
    evidence: list[ChannelEvidence], why: str
) -> None:
    assert reasoned(Piece(10, 20, DARK, DARK, ""), (), evidence).why == why


def test_bad_seconds_that_are_up_are_told_by_cells() -> None:
    def run(start: int, end: int, bucket: Bucket, bad: bool) -> JudgedRun:
        return JudgedRun(start, end, bucket, bucket, bad)

    runs = (
        run(0, 20, UP, True), run(20, 30, UP, False), run(30, 45, UP, True), run(45, 50, UP, True),
        run(50, 90, DOWN, True),
    )  # fmt: skip

    def found(start: int, end: int) -> list[tuple[int, int, str]]:
        return [
            (one.start_s, one.end_s, one.why.split(";")[0])
            for one in bad_pieces(runs, 10, 3, start, end)
        ]

    assert found(0, 100) == [(0, 20, "2 bad cells of 10 s"), (30, 50, "2 bad cells of 10 s")]
    assert found(5, 31) == [(5, 20, "2 bad cells of 10 s"), (30, 31, "1 bad cells of 10 s")]
    assert found(20, 30) == []
    assert bad_pieces(runs, 10, 3, 0, 9)[0].why == ("1 bad cells of 10 s; 3 in a row make it down")


def answer(scope: str = "circuit", **more: Any) -> ExclusionAnswer:
    known = {"exclusion_id": "W", "start_s": 10, "end_s": 50, "accepted": True, "seconds": 0}
    return ExclusionAnswer(**(known | {"scope": scope, "reason": ""} | more))


PIECES = (
    Piece(0, 15, UP, UP, ""), Piece(15, 25, OUT, DOWN, "window W", exclusion_id="W"),
    Piece(25, 30, OUT, DOWN, "window V", exclusion_id="V"), Piece(30, 42, DOWN, DOWN, ""),
    Piece(42, 60, UP, UP, ""),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "capped", "left"),
    [
        (answer(), True, {"the month's cap is used up": 5 + 12 + 8,
                          "window V has them already": 5}),
        (answer(), False, {"they stay up": 5 + 8, "window V has them already": 5,
                           "they stay down": 12}),
        (answer("channel ch1"), True, {
            "the circuit was up": 5 + 8, "window V has them already": 5,
            "the circuit would not have been up without it either, or the month's cap is used up":
            12}),
        (answer("channel ch1"), False, {
            "the circuit was up": 5 + 8, "window V has them already": 5,
            "the circuit would not have been up without it either": 12}),
        (answer("ticket T"), True, {
            "only down seconds are taken out: these are up": 5 + 8, "window V has them already": 5,
            "only down seconds are taken out: these are down": 12}),
        (answer(accepted=False), True, {
            "the record is refused: they stay up": 5 + 8,
            "the record is refused: they stay excluded": 5,
            "the record is refused: they stay down": 12}),
        (answer(accepted=False, is_open=True, start_s=30, end_s=42), True,
         {"nobody has decided yet: they stay down": 12}),
        (answer(start_s=42, end_s=42), True, {}),
        (answer(start_s=15, end_s=25), True, {}),
    ],
)  # fmt: skip
def test_what_a_record_left_is_told_with_the_reason(
    given: ExclusionAnswer, capped: bool, left: dict[str, int]
) -> None:
    found = explain_exclusion(given, PIECES, capped=capped)

    assert {one.why: one.seconds for one in found.rest} == left
    touched = given.start_s < 25 and given.end_s > 15
    assert [one.start_s for one in found.pieces] == ([15] if touched else [])


def test_of_a_record_that_is_not_shown_nothing_is_told() -> None:
    found = explain_exclusion(answer(exclusion_id="not shown"), PIECES, capped=True)

    assert (found.pieces, found.rest) == ((), ())
