"""The tape as SVG: what is drawn, what it says, and that nothing in it can run."""

import re
from xml.etree import ElementTree

import pytest

from sla.answers import Bucket, BucketRun, ChannelRun, Tape
from sla.tape import LABEL_WIDTH, describe_tape, render_tape

SVG = "{http://www.w3.org/2000/svg}"
ZONE = "America/Denver"
START = 1_759_298_400  # 2025-10-01T06:00:00Z = 1 October in Denver
END = START + 31 * 86_400
DAY = 86_400


def tape_of(*runs, channels=(), circuit_id="DEN-1", start=START, end=END, edge=None) -> Tape:
    edge = end if edge is None else edge
    circuit = tuple(
        BucketRun(a, b, bucket, Bucket.UP if bucket is Bucket.EXCLUDED else bucket)
        for a, b, bucket in runs
    )
    return Tape(circuit_id, start, end, edge, circuit, tuple(channels), edge)


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  our own output


def drawn(svg: str, bucket: str) -> list[ElementTree.Element]:
    root = parse(svg)
    return [
        e for e in root.iter(f"{SVG}rect") if f"tape-{bucket}" in (e.get("class") or "").split()
    ]


def title_of(element: ElementTree.Element) -> str:
    return element.findtext(f"{SVG}title") or ""


def one_outage(seconds: int, at: int = START + 8 * DAY) -> Tape:
    return tape_of(
        (START, at, Bucket.UP), (at, at + seconds, Bucket.DOWN), (at + seconds, END, Bucket.UP)
    )


def test_an_outage_of_one_second_in_a_month_is_two_pixels_wide() -> None:
    (down,) = drawn(render_tape(one_outage(1), timezone=ZONE), "down")

    assert float(down.get("width")) == 2.0
    assert down.get("fill") == "#D1410C"


def test_an_outage_of_one_second_at_either_end_stays_inside_the_time_area() -> None:
    at_start = tape_of((START, START + 1, Bucket.DOWN), (START + 1, END, Bucket.UP))
    at_end = tape_of((START, END - 1, Bucket.UP), (END - 1, END, Bucket.DOWN))

    (first,) = drawn(render_tape(at_start, timezone=ZONE), "down")
    (last,) = drawn(render_tape(at_end, timezone=ZONE), "down")

    assert float(first.get("x")) == LABEL_WIDTH
    assert float(last.get("x")) + float(last.get("width")) == LABEL_WIDTH + 1000


def test_a_long_run_is_as_wide_as_its_share_of_the_range() -> None:
    (down,) = drawn(render_tape(one_outage(31 * DAY // 10), width=500, timezone=ZONE), "down")

    assert float(down.get("width")) == pytest.approx(50, abs=0.01)
    assert float(down.get("x")) == pytest.approx(LABEL_WIDTH + 500 * 8 / 31, abs=0.01)


def test_outages_on_one_pixel_are_one_mark_with_their_count() -> None:
    runs, at = [(START, START + DAY, Bucket.UP)], START + DAY
    for _ in range(3):
        runs += [(at, at + 60, Bucket.DOWN), (at + 60, at + 120, Bucket.UP)]
        at += 120
    runs.append((at, END, Bucket.UP))

    svg = render_tape(tape_of(*runs), timezone=ZONE)

    (down,) = drawn(svg, "down")
    assert title_of(down).startswith("3 outages, 2 Oct 2025 00:00:00 MDT to 2 Oct 2025 00:05:00")
    assert "3 min 0 s down in all" in title_of(down)
    assert re.findall(r'class="tape-count"[^>]*>(\d+)<', svg) == ["3"]


def test_a_gap_inside_an_outage_does_not_make_it_two() -> None:
    at = START + DAY
    tape = tape_of(
        (START, at, Bucket.UP),
        (at, at + 60, Bucket.DOWN),
        (at + 60, at + 90, Bucket.UNMEASURED),
        (at + 90, at + 120, Bucket.DOWN),
        (at + 120, END, Bucket.UP),
    )

    svg = render_tape(tape, timezone=ZONE)

    assert "tape-count" not in svg
    assert "1 outage, 1 min 30 s down, 30 s unmeasured" in describe_tape(tape, ZONE)


def test_titles_are_in_local_time_on_both_sides_of_the_clock_change() -> None:
    change = 1_762_070_400  # 2025-11-02T08:00:00Z: Denver goes from MDT to MST
    tape = tape_of(
        (change - DAY, change - 60, Bucket.UP),
        (change - 60, change + 60, Bucket.DOWN),
        (change + 60, change + DAY, Bucket.UP),
        start=change - DAY,
        end=change + DAY,
    )

    (down,) = drawn(render_tape(tape, timezone=ZONE), "down")

    assert title_of(down) == ("down, 2 Nov 2025 01:59:00 MDT to 2 Nov 2025 01:01:00 MST, 2 min 0 s")


def test_day_ticks_stand_at_local_midnights_also_after_the_clock_change() -> None:
    start = 1_761_976_800  # 2025-11-01T06:00:00Z
    tape = tape_of((start, start + 4 * DAY, Bucket.UP), start=start, end=start + 4 * DAY)

    root = parse(render_tape(tape, timezone=ZONE, width=960))
    lines = [e for e in root.iter(f"{SVG}line") if e.get("class") == "tape-tick"]

    hours = [round((float(e.get("x1")) - LABEL_WIDTH) * 96 / 960, 2) for e in lines]
    assert hours == [0, 24, 49, 73]  # 2 November has 25 hours


def test_the_first_day_and_each_first_of_a_month_name_their_month() -> None:
    start = START + 28 * DAY + 43_200
    tape = tape_of((start, start + 8 * DAY, Bucket.UP), start=start, end=start + 8 * DAY)

    svg = render_tape(tape, timezone=ZONE)

    labels = re.findall(r'class="tape-tick-label"[^>]*>([^<]*)<', svg)
    assert labels == ["30 Oct", "31", "1 Nov", "2", "3", "4", "5", "6"]


def test_a_long_range_has_ticks_at_months() -> None:
    end = START + 400 * DAY
    tape = tape_of((START, end, Bucket.UP), end=end)

    svg = render_tape(tape, timezone=ZONE)

    labels = re.findall(r'class="tape-tick-label"[^>]*>([^<]*)<', svg)
    assert labels[:3] == ["Oct 2025", "Nov 2025", "Dec 2025"]
    assert len(labels) == 13  # the fourteenth, five days before the end, has no room


def test_a_short_range_has_ticks_at_local_hours() -> None:
    start = START + 9 * 3600
    tape = tape_of((start, start + 7200, Bucket.UP), start=start, end=start + 7200)

    svg = render_tape(tape, timezone="Asia/Kolkata")

    labels = re.findall(r'class="tape-tick-label"[^>]*>([^<]*)<', svg)
    assert labels[:3] == ["20:30", "20:35", "20:40"]


def test_without_month_ticks_there_is_no_axis_and_less_height() -> None:
    with_axis = parse(render_tape(one_outage(300), timezone=ZONE))
    without = parse(render_tape(one_outage(300), timezone=ZONE, month_ticks=False))

    assert int(without.get("height")) < int(with_axis.get("height"))
    assert not [e for e in without.iter() if e.get("class") == "tape-axis"]


def test_each_bucket_has_its_own_look_and_word() -> None:
    day = [START + n * DAY for n in range(5)]
    tape = tape_of(
        (day[0], day[1], Bucket.UP),
        (day[1], day[2], Bucket.DOWN),
        (day[2], day[3], Bucket.EXCLUDED),
        (day[3], day[4], Bucket.UNMEASURED),
        (day[4], END, Bucket.UP),
    )
    svg = render_tape(tape, timezone=ZONE)

    (excluded,) = drawn(svg, "excluded")
    (unmeasured,) = drawn(svg, "unmeasured")
    assert "tape-hatch" in excluded.get("fill")
    assert "tape-dots" in unmeasured.get("fill")
    assert unmeasured.get("stroke-dasharray")
    assert float(drawn(svg, "up")[0].get("height")) == 2
    for bucket in ("up", "down", "excluded", "unmeasured"):
        assert title_of(drawn(svg, bucket)[0]).startswith(bucket)
        assert "1 d 0 h 0 min 0 s" in title_of(drawn(svg, bucket)[0])


def test_as_experienced_shows_what_was_excluded_as_it_was() -> None:
    tape = tape_of((START, START + DAY, Bucket.EXCLUDED), (START + DAY, END, Bucket.UP))

    svg = render_tape(tape, timezone=ZONE, contractual=False)

    assert not drawn(svg, "excluded")
    assert drawn(svg, "up")


def test_what_is_provisional_is_cut_off_and_half_as_high() -> None:
    edge = START + 10 * DAY
    tape = tape_of((START, START + 20 * DAY, Bucket.DOWN), edge=edge)

    final, provisional = drawn(render_tape(tape, timezone=ZONE), "down")

    assert float(final.get("height")) == 2 * float(provisional.get("height"))
    assert int(final.get("data-end")) == int(provisional.get("data-start")) == edge
    assert "(provisional)" in title_of(provisional)
    assert "complete up to 11 Oct 2025 00:00:00 MDT" in describe_tape(tape, ZONE)


def test_the_sentence_says_what_of_it_is_provisional_and_in_no_sum_yet() -> None:
    edge = START + 10 * DAY
    part = tape_of((START, edge + DAY, Bucket.DOWN), (edge + DAY, END, Bucket.UP), edge=edge)
    whole = tape_of((START, edge + 60, Bucket.UP), (edge + 60, edge + 90, Bucket.DOWN), edge=edge)
    none = tape_of((START, edge - DAY, Bucket.DOWN), (edge - DAY, END, Bucket.UP), edge=edge)

    def told(tape: Tape) -> str:
        return describe_tape(tape, ZONE)

    assert "11 d 0 h 0 min 0 s down (1 d 0 h 0 min 0 s of it provisional), comp" in told(part)
    assert "1 outage, 30 s down (provisional), " in told(whole)
    assert "9 d 0 h 0 min 0 s down, " in told(none)


def test_channels_follow_the_circuit_in_natural_order() -> None:
    names = ["ch10", "ch2", "ch1", "primary"]
    channels = [ChannelRun(name, START, END, "good") for name in names]

    root = parse(render_tape(tape_of((START, END, Bucket.UP), channels=channels), timezone=ZONE))

    labels = [
        "".join(e.itertext()).removeprefix(title_of(e))
        for e in root.iter(f"{SVG}text")
        if e.get("class") == "tape-label"
    ]
    assert labels == ["circuit", "ch1", "ch2", "ch10", "primary"]


def test_a_hostile_name_is_text_and_nothing_else() -> None:
    name = '"><img hx-get=/x><script>alert(1)</script>&\x00\u202e'
    tape = tape_of(
        (START, END, Bucket.UP),
        circuit_id=name,
        channels=[ChannelRun(name, START, END, "bad")],
    )

    svg = render_tape(tape, timezone=ZONE)

    root = parse(svg)
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags <= {"svg", "g", "rect", "line", "text", "title", "defs", "pattern"}
    assert "\x00" not in svg
    assert "\u202e" not in svg


def test_the_svg_needs_no_inline_style_and_no_script() -> None:
    svg = render_tape(one_outage(300), timezone=ZONE)

    assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=|href", svg)


def test_two_tapes_on_one_page_do_not_share_pattern_ids() -> None:
    one = render_tape(one_outage(300), timezone=ZONE)
    other = render_tape(tape_of((START, END, Bucket.UP), circuit_id="DEN-2"), timezone=ZONE)
    again = render_tape(one_outage(300), timezone=ZONE, id_suffix="again")

    ids = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (one, other, again)]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    for svg, own in zip((one, other, again), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= own


def test_a_hundred_thousand_flaps_stay_a_small_drawing() -> None:
    step = (END - START) // 100_000
    runs = [
        (START + n * step, START + (n + 1) * step, Bucket.DOWN if n % 2 else Bucket.UP)
        for n in range(100_000)
    ]

    svg = render_tape(tape_of(*runs), timezone=ZONE)

    assert len(svg) < 500_000


def test_the_summary_counts_outages_and_says_their_length() -> None:
    assert describe_tape(one_outage(300), ZONE) == (
        "DEN-1 from 1 Oct 2025 00:00:00 MDT to 1 Nov 2025 00:00:00 MDT: 1 outage, 5 min 0 s down."
    )
    label = parse(render_tape(one_outage(300), timezone=ZONE))
    assert label.get("aria-label") == describe_tape(one_outage(300), ZONE)
    assert label.get("role") == "img"


def test_an_empty_tape_is_still_a_drawing() -> None:
    svg = render_tape(tape_of(), timezone=ZONE)

    assert not drawn(svg, "up")
    assert "nothing was measured" in describe_tape(tape_of(), ZONE)
    assert "no outages" not in describe_tape(tape_of(), ZONE)
