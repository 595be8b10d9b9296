"""The tape measured: every place, width, height and tick of a drawing whose scale is plain."""

import re
from xml.etree import ElementTree

import pytest

from sla.answers import Bucket, BucketRun, ChannelRun, Span, Tape
from sla.tape import describe_tape, elsewhere, render_tape

SVG = "{http://www.w3.org/2000/svg}"
UP, DOWN, OUT, DARK = Bucket.UP, Bucket.DOWN, Bucket.EXCLUDED, Bucket.UNMEASURED
DAY = 86_400
OCTOBER = 1_759_276_800  # 2025-10-01T00:00:00Z


def tape(
    *runs: tuple[int, int, Bucket], end: int = 400, start: int = 0, edge: int | None = None,
    channels: tuple[ChannelRun, ...] = (), measured: Span | None = None,
) -> Tape:  # fmt: skip
    circuit = tuple(
        BucketRun(a, b, bucket, UP if bucket is OUT else bucket) for a, b, bucket in runs
    )
    edge = end if edge is None else edge
    return Tape("C", start, end, edge, circuit, channels, edge, measured)


def root(
    one: Tape, width: int = 100, zone: str = "UTC", *, ticks: bool = False
) -> ElementTree.Element:
    svg = render_tape(one, width=width, timezone=zone, month_ticks=ticks)
    return ElementTree.fromstring(svg)  # noqa: S314  our own output


def boxes(one: Tape, kind: str, width: int = 100) -> list[tuple[str, ...]]:
    """Return class, x, width, y and height of what is drawn of a bucket."""
    return [
        tuple(str(e.get(name)) for name in ("class", "x", "width", "y", "height"))
        for e in root(one, width).iter(f"{SVG}rect")
        if str(e.get("class")).startswith(f"tape-{kind}")
    ]


def places(one: Tape, kind: str) -> list[tuple[float, float]]:
    return [(round(float(x) - 72, 2), float(width)) for _, x, width, _, _ in boxes(one, kind)]


def test_a_drawing_has_room_for_names_rows_and_the_axis() -> None:
    channels = (ChannelRun("a", 0, 400, "good"), ChannelRun("b", 0, 400, "good"))
    rows = tape((0, 400, UP), channels=channels)

    plain, ticked = root(rows), root(rows, ticks=True)

    assert (plain.get("viewBox"), plain.get("width"), plain.get("height")) == (
        "0 0 176 76", "176", "76"
    )  # fmt: skip
    assert (ticked.get("viewBox"), ticked.get("width"), ticked.get("height")) == (
        "0 0 176 96", "176", "96"
    )  # fmt: skip
    assert [plain.get(f"data-{name}") for name in ("start", "end", "left", "width")] == [
        "0", "400", "72", "100"
    ]  # fmt: skip
    labels = [e for e in plain.iter(f"{SVG}text") if e.get("class") == "tape-label"]
    assert [e.get("y") for e in labels] == ["21", "43", "65"]
    assert [y for _, _, _, y, _ in boxes(rows, "up")] == ["16.0", "38.0", "60.0"]


def test_what_is_not_said_is_a_thousand_pixels_with_an_axis_and_contractual() -> None:
    excluded = tape((0, 100, UP), (100, 200, OUT), (200, 400, UP))

    usual = render_tape(excluded, timezone="UTC")

    assert usual == render_tape(
        excluded, timezone="UTC", width=1000, month_ticks=True, contractual=True
    )
    assert 'width="1076"' in usual
    assert "tape-excluded" in usual
    assert "tape-excluded" not in render_tape(excluded, timezone="UTC", contractual=False)
    assert "1 min 40 s excluded" in describe_tape(excluded, "UTC")
    assert "excluded" not in describe_tape(excluded, "UTC", contractual=False)


def test_what_is_final_is_full_height_and_what_is_provisional_half() -> None:
    runs = ((0, 80, UP), (80, 160, DOWN), (160, 240, OUT), (240, 320, DARK), (320, 400, UP))
    final, provisional = tape(*runs), tape(*runs, edge=1)

    assert boxes(final, "up") == [
        ("tape-up", "72.00", "20.00", "16.0", "2"), ("tape-up", "152.00", "20.00", "16.0", "2")
    ]  # fmt: skip
    for kind, x in (("down", "92.00"), ("excluded", "112.00"), ("unmeasured", "132.00")):
        assert boxes(final, kind) == [(f"tape-{kind}", x, "20.00", "10.0", "14")]
        assert boxes(provisional, kind) == [
            (f"tape-{kind} tape-provisional", x, "20.00", "13.5", "7")
        ]
    assert boxes(provisional, "up")[-1] == (
        "tape-up tape-provisional", "152.00", "20.00", "16.5", "1"
    )  # fmt: skip


def test_a_run_is_cut_where_the_provisional_begins_and_at_the_ends() -> None:
    one = tape((-50, 300, DOWN), (300, 999, UP), edge=200)

    assert places(one, "down") == [(0.0, 50.0), (50.0, 25.0)]
    assert places(one, "up") == [(75.0, 25.0)]
    beside = tape((-50, 0, DOWN), (0, 400, UP), (400, 450, DOWN), (450, 460, UP))
    assert places(beside, "down") == []
    for edge in (0, -9, 100, 400):
        cut = tape((100, 300, DOWN), edge=edge)
        assert places(cut, "down") == [(25.0, 50.0)]
    assert "tape-provisional" in boxes(tape((100, 300, DOWN), edge=100), "down")[0][0]
    assert "tape-provisional" not in boxes(tape((100, 300, DOWN), edge=300), "down")[0][0]


def test_the_edge_of_what_is_complete_is_a_line_within_the_range_only() -> None:
    def lines(edge: int) -> list[ElementTree.Element]:
        drawn = root(tape((0, 400, UP), edge=edge)).iter(f"{SVG}line")
        return [e for e in drawn if e.get("class") == "tape-edge"]

    assert lines(0) == lines(400) == []
    (line,) = lines(1)
    assert [line.get(name) for name in ("x1", "x2", "y1", "y2")] == ["72.25", "72.25", "6", "32"]
    assert len(lines(399)) == 1
    title = line.findtext(f"{SVG}title")
    assert title == "complete up to 1 Jan 1970 00:00:01 UTC"


def test_a_short_run_is_widened_about_its_middle() -> None:
    assert places(tape((100, 102, DOWN)), "down") == [(24.25, 2.0)]
    assert places(tape((100, 102, DARK)), "unmeasured") == [(24.75, 1.0)]
    assert places(tape((100, 102, UP)), "up") == [(24.75, 1.0)]
    assert places(tape((100, 104, DARK)), "unmeasured") == [(25.0, 1.0)]
    assert places(tape((100, 107, DOWN)), "down") == [(24.88, 2.0)]
    assert places(tape((0, 1, DOWN)), "down") == [(0.0, 2.0)]
    assert places(tape((399, 400, DOWN)), "down") == [(98.0, 2.0)]
    assert places(tape((0, 1, DARK)), "unmeasured") == [(0.0, 1.0)]
    assert places(tape((399, 400, DARK)), "unmeasured") == [(99.0, 1.0)]


def counts(one: Tape) -> list[tuple[str | None, ...]]:
    return [
        (e.text, e.get("x"), e.get("y"))
        for e in root(one).iter(f"{SVG}text")
        if e.get("class") == "tape-count"
    ]


def titles(one: Tape, kind: str) -> list[str | None]:
    return [
        e.findtext(f"{SVG}title")
        for e in root(one).iter(f"{SVG}rect")
        if str(e.get("class")).startswith(f"tape-{kind}")
    ]


def test_marks_that_touch_stay_two_and_those_that_overlap_become_one() -> None:
    touching = tape((0, 100, UP), (100, 102, DOWN), (102, 105, UP), (105, 125, DOWN))
    assert places(touching, "down") == [(24.25, 2.0), (26.25, 5.0)]
    assert counts(touching) == []

    overlapping = tape((0, 100, UP), (100, 102, DOWN), (102, 104, UP), (104, 124, DOWN))
    assert places(overlapping, "down") == [(24.25, 6.75)]
    latest_first = tape((104, 124, DOWN), (102, 104, UP), (100, 102, DOWN), (0, 100, UP))
    assert places(latest_first, "down") == [(24.25, 6.75)]
    assert counts(overlapping) == [("2", "99.62", "9")]
    assert titles(overlapping, "down") == [
        "2 outages, 1 Jan 1970 00:01:40 UTC to 1 Jan 1970 00:02:04 UTC, 22 s down in all"
    ]


def test_a_mark_of_several_reaches_as_far_as_the_last_of_them() -> None:
    three = tape(
        (0, 100, UP), (100, 102, DOWN), (102, 103, UP), (103, 104, DOWN), (104, 106, UP),
        (106, 126, DOWN),
    )  # fmt: skip

    assert places(three, "down") == [(24.25, 7.25)]
    assert [text for text, _, _ in counts(three)] == ["3"]
    (down,) = (e for e in root(three).iter(f"{SVG}rect") if e.get("class") == "tape-down")
    assert (down.get("data-start"), down.get("data-end")) == ("100", "126")


def test_only_outages_are_counted() -> None:
    gaps = tape((0, 100, UP), (100, 101, DARK), (101, 102, UP), (102, 103, DARK), (103, 400, UP))
    one = tape((100, 120, DOWN), edge=100)

    assert titles(gaps, "unmeasured") == [
        "unmeasured, 1 Jan 1970 00:01:40 UTC to 1 Jan 1970 00:01:43 UTC, 2 s"
    ]
    assert counts(gaps) == []
    assert titles(one, "down") == [
        "down (provisional), 1 Jan 1970 00:01:40 UTC to 1 Jan 1970 00:02:00 UTC, 20 s"
    ]
    assert counts(one) == []


def test_outages_are_told_in_words_with_what_is_complete() -> None:
    runs = ((0, 10, UP), (10, 20, DOWN), (20, 30, UP), (30, 35, DOWN), (35, 400, UP))

    assert describe_tape(tape(*runs), "UTC") == (
        "C from 1 Jan 1970 00:00:00 UTC to 1 Jan 1970 00:06:40 UTC: 2 outages, 15 s down."
    )
    assert describe_tape(tape(*reversed(runs), edge=399), "UTC") == (
        "C from 1 Jan 1970 00:00:00 UTC to 1 Jan 1970 00:06:40 UTC: 2 outages, 15 s down, "
        "complete up to 1 Jan 1970 00:06:39 UTC."
    )


def told(one: Tape) -> str:
    """Return what is said of a tape after its circuit and range."""
    return describe_tape(one, "UTC").partition(" UTC: ")[2]


def test_a_range_that_begins_before_its_data_says_when_that_does() -> None:
    late = tape((130, 140, UP), (140, 400, UP), start=100)

    assert told(late) == "no outages, begins 1 Jan 1970 00:02:10 UTC."
    assert told(tape((99, 400, UP), start=100)) == "no outages."
    assert told(tape((101, 400, DOWN), start=100, edge=350)) == (
        "1 outage, begins 1 Jan 1970 00:01:41 UTC, 4 min 59 s down (50 s of it provisional), "
        "complete up to 1 Jan 1970 00:05:50 UTC."
    )


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (None, ", then or at any other time so far"),
        (Span(1_300, 2_000), "; there is data from 1 Jan 1970 00:21:40 UTC on"),
        (Span(1_299, 2_000), ""), (Span(100, 1_001), ""), (Span(100, 2_000), ""),
        (Span(100, 1_000), "; there is data up to 1 Jan 1970 00:16:40 UTC"),
    ],
)  # fmt: skip
def test_where_nothing_was_measured_it_is_said_where_there_is_data(
    measured: Span | None, said: str
) -> None:
    dark = tape((1_000, 1_300, DARK), start=1_000, end=1_300, measured=measured)
    empty = tape(start=1_000, end=1_300, edge=1_200, measured=measured)

    assert told(dark) == f"nothing was measured{said}, 5 min 0 s unmeasured."
    assert told(empty) == f"nothing was measured{said}.", "what is complete says no more of nothing"


@pytest.mark.parametrize(
    ("measured", "found"),
    [
        (None, None), (Span(1_300, 2_000), (1_300, 1_600)), (Span(1_299, 2_000), None),
        (Span(100, 1_001), None), (Span(100, 1_000), (700, 1_000)), (Span(100, 2_000), None),
        (Span(5_000, 5_010), (5_000, 5_300)), (Span(600, 610), (310, 610)),
    ],
)  # fmt: skip
def test_a_range_without_data_leads_to_the_nearest_as_long_that_has_some(
    measured: Span | None, found: tuple[int, int] | None
) -> None:
    def leads_to(*runs: tuple[int, int, Bucket]) -> tuple[int, int] | None:
        return elsewhere(tape(*runs, start=1_000, end=1_300, measured=measured))

    assert leads_to() == leads_to((1_000, 1_300, DARK)) == found
    for seen in (UP, DOWN, OUT):
        assert leads_to((1_000, 1_299, DARK), (1_299, 1_300, seen)) is None


def test_a_range_of_a_second_is_as_wide_as_any() -> None:
    assert places(tape((0, 1, UP), end=1), "up") == [(0.0, 100.0)]
    assert boxes(tape(end=0), "up") == []


def test_channels_stand_by_name_numbers_in_order_and_each_by_time() -> None:
    names = ("a", "9", "10", "0x", "a1b", "a1", "ch")
    channels = tuple(
        ChannelRun(name, start, start + 200, state)
        for name in reversed(names)
        for start, state in ((200, "bad"), (0, "good"))
    )
    drawn = root(tape(channels=channels))

    labels = [e.findtext(f"{SVG}title") for e in drawn.iter(f"{SVG}text")]
    assert labels == ["circuit", "a", "a1", "a1b", "ch", "0x", "9", "10"]
    assert titles(tape(channels=channels[:2]), "down") == [
        "down, 1 Jan 1970 00:03:20 UTC to 1 Jan 1970 00:06:40 UTC, 3 min 20 s"
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [("1234567890", "1234567890"), ("12345678901", "123456789…"), ("a", "a")],
)
def test_a_long_name_is_cut_to_ten_characters(name: str, label: str) -> None:
    drawn = root(tape(channels=(ChannelRun(name, 0, 400, "good"),)))

    texts = ["".join(e.itertext()) for e in drawn.iter(f"{SVG}text")]
    assert texts[1] == name + label


def ticks(
    start: int, end: int, width: int = 100_000, zone: str = "UTC"
) -> tuple[list[int], list[str]]:
    """Return where ticks stand, in seconds after the start, and the labels that had room."""
    one = tape((start, end, UP), start=start, end=end)
    drawn = root(one, width, zone, ticks=True)
    at = [
        round((float(str(e.get("x1"))) - 72) * (end - start) / width)
        for e in drawn.iter(f"{SVG}line")
        if e.get("class") == "tape-tick"
    ]
    texts = [e.text or "" for e in drawn.iter(f"{SVG}text") if e.get("class") == "tape-tick-label"]
    return at, texts


def test_no_tick_stands_before_the_range() -> None:
    assert ticks(90, 300)[0] == [30, 90, 150, 210]


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (1_440, 60), (1_441, 300), (7_200, 300), (7_201, 900), (21_600, 900), (21_601, 3_600),
        (86_400, 3_600), (86_401, 10_800), (172_800, 10_800), (172_801, 86_400),
        (8_640_000, 86_400),
    ],
)  # fmt: skip
def test_ticks_are_as_close_as_the_range_is_short(length: int, step: int) -> None:
    at, _ = ticks(OCTOBER, OCTOBER + length)

    assert at == list(range(0, length + 1, step))


def test_of_more_than_a_hundred_days_ticks_are_months() -> None:
    at, labels = ticks(OCTOBER, OCTOBER + 100 * DAY + 1)

    assert at == [0, 31 * DAY, 61 * DAY, 92 * DAY]
    assert labels == ["Oct 2025", "Nov 2025", "Dec 2025", "Jan 2026"]


def test_ticks_begin_within_the_range_and_end_with_it() -> None:
    assert ticks(OCTOBER + 1, OCTOBER + 1_439)[0] == [*range(59, 1_438, 60)]
    assert ticks(OCTOBER + 1, OCTOBER + 1_440)[0] == [*range(59, 1_440, 60)]
    assert ticks(OCTOBER + 1, OCTOBER + 4 * DAY)[0] == [
        DAY - 1,
        2 * DAY - 1,
        3 * DAY - 1,
        4 * DAY - 1,
    ]
    assert ticks(OCTOBER + 1, OCTOBER + 4 * DAY - 1)[0] == [DAY - 1, 2 * DAY - 1, 3 * DAY - 1]
    assert ticks(OCTOBER + 1, OCTOBER + 120 * DAY)[0] == [31 * DAY - 1, 61 * DAY - 1, 92 * DAY - 1]


def test_ticks_stand_at_local_hours_of_zones_between_them() -> None:
    at, labels = ticks(OCTOBER, OCTOBER + DAY, zone="Asia/Kolkata")  # 05:30 ahead

    assert at == [1_800 + 3_600 * number for number in range(24)]
    assert labels[0] == "06:00"
    at, labels = ticks(OCTOBER, OCTOBER + 2 * DAY, zone="Asia/Kathmandu")  # 05:45
    assert at == [900 + 10_800 * number for number in range(16)]
    assert labels[:2] == ["06:00", "09:00"]


def test_the_first_tick_and_each_month_are_named() -> None:
    _, labels = ticks(OCTOBER + 29 * DAY, OCTOBER + 33 * DAY)

    assert labels == ["30 Oct", "31", "1 Nov", "2"]


def test_a_label_stands_where_it_touches_neither_the_next_nor_the_edge() -> None:
    _, hours = ticks(OCTOBER, OCTOBER + 7_200, width=756)  # 31.5 px, as much as 00:05 needs
    assert len(hours) == 24
    assert len(ticks(OCTOBER, OCTOBER + 7_200, width=755)[1]) == 12
    _, days = ticks(OCTOBER + DAY, OCTOBER + 5 * DAY, width=22)  # 5.5 px a day, 9.5 px a figure
    assert days == ["3", "5"]


def test_ticks_and_labels_stand_at_their_heights() -> None:
    drawn = root(tape((0, 400, UP)), ticks=True)
    (line, *_) = (e for e in drawn.iter(f"{SVG}line") if e.get("class") == "tape-tick")
    (label, *_) = (e for e in drawn.iter(f"{SVG}text") if e.get("class") == "tape-tick-label")

    assert [line.get(name) for name in ("x1", "x2", "y1", "y2")] == ["72.00", "72.00", "8", "32"]
    assert (label.get("x"), label.get("y"), label.text) == ("74.00", "42", "00:00")


def test_patterns_are_named_apart_by_what_is_drawn() -> None:
    def suffixes(one: Tape, **more: str) -> set[str]:
        return set(re.findall(r"tape-hatch-([0-9a-z]+)", render_tape(one, timezone="UTC", **more)))

    names = [suffixes(tape()), suffixes(tape(end=401)), suffixes(tape(start=1))]
    assert len(set.union(*names)) == 3
    assert suffixes(tape(), id_suffix="mine") == {"mine"}
