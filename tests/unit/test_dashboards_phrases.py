"""What the portal says: the strip, the first sentence, charts in words."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dashboards.charts import POINTS_MAX, bgp_lane, bgp_summary, chart, step_for
from dashboards.phrases import (
    hours_minutes_seconds,
    local,
    local_and_utc,
    offset,
    quantity,
    step_words,
    strip,
)
from dashboards.templating import make_templates
from sla.answers import Freshness, Line, Series

DENVER = "America/Denver"
NOW = 1_791_838_560  # 2026-10-12T20:56:00Z, 14:56 in Denver


def test_the_strip_says_complete_live_and_behind() -> None:
    said = strip(Freshness(NOW - 60, NOW, 6, ("DEN-1", "DEN-2")), DENVER, NOW)

    assert said.text == "Complete up to 14:55 MDT (20:55Z) · live to 14:56 · 2 circuits behind"
    assert said.stale == ""


@pytest.mark.parametrize(
    ("fresh", "text"),
    [
        (Freshness(None, None, 0, ()), "No circuits yet"),
        (Freshness(None, None, 2, ()), "Nothing is complete yet · 2 circuits"),
        (Freshness(NOW, NOW, 1, ()), "the circuit is in time"),
        (Freshness(NOW, NOW, 6, ()), "all 6 circuits in time"),
        (Freshness(0, 0, 1, (), ("A",)), "Nothing has come yet from the circuit"),
        (Freshness(0, 0, 2, ("A",), ("A", "B")), "Nothing has come yet from any of 2 circuits"),
        (Freshness(NOW, NOW, 3, ("A", "B"), ("A",)), "· 1 circuit behind · nothing yet from 1 "),
    ],
)
def test_the_strip_has_a_text_for_each_stand(fresh, text) -> None:
    assert text in strip(fresh, "UTC", NOW).text


def test_where_every_circuit_is_overdue_nothing_is_in_time_and_all_is_as_of_then() -> None:
    overdue = {"A": NOW - 110, "B": NOW - 115}
    said = strip(Freshness(NOW - 140, NOW - 110, 4, (), ("C",), overdue, 1), DENVER, NOW)

    assert said.text == "Complete up to 14:53 MDT (20:53Z) · live to 14:54"
    assert said.stale == (
        "Nothing newer than 14:54:10 MDT has come: what this page shows is as of then."
    )


def test_where_some_circuits_are_overdue_they_are_counted_and_named() -> None:
    said = strip(
        Freshness(NOW - 140, NOW, 4, ("A", "B", "C"), ("C",), {"A": NOW - 140}), DENVER, NOW
    )

    assert said.text.endswith(
        " · nothing newer from 1 circuit · 1 circuit behind · nothing yet from 1 circuit"
    )
    assert (said.named, said.stale) == (("A", "B"), "")


def test_as_long_as_one_circuit_is_in_time_the_page_is_not_as_of_another_instant() -> None:
    one = Freshness(NOW - 140, NOW, 2, ("A",), (), {"A": NOW - 140})
    all_that_go_on = replace(one, ended=1)

    said = strip(one, DENVER, NOW)
    assert (said.stands, said.named, said.stale) == ("nothing newer from 1 circuit", ("A",), "")
    assert strip(all_that_go_on, DENVER, NOW).stale == (
        "Nothing newer than 14:53:40 MDT has come: what this page shows is as of then."
    )


def test_the_cell_that_goes_on_does_not_make_the_page_live_to_the_future() -> None:
    said = strip(Freshness(NOW - 60, NOW + 100, 1, ()), DENVER, NOW)

    assert " · live to 14:56 · " in said.text


def test_where_nothing_ever_came_nothing_is_complete_in_time_or_stale() -> None:
    said = strip(Freshness(NOW - 999, NOW - 999, 1, (), ("DEN-1",)), DENVER, NOW)

    assert said.text == "Nothing has come yet from the circuit"
    assert said.stale == ""


def test_an_instant_carries_its_date_only_when_it_is_another_day() -> None:
    assert local(NOW, DENVER, NOW) == "14:56 MDT"
    assert local(NOW - 86_400, DENVER, NOW, seconds=True) == "11 Oct 14:56:00 MDT"
    assert local(NOW - 365 * 86_400, DENVER, NOW) == "12 Oct 2025 14:56 MDT"
    assert local_and_utc(NOW, "UTC", NOW) == "20:56 UTC"
    assert offset(NOW, DENVER) == "UTC-06:00"


def test_durations_and_quantities_are_written_with_their_units() -> None:
    assert hours_minutes_seconds(2_678_100) == "743:55:00"
    assert [step_words(s) for s in (86_400, 7_200, 300, 7)] == ["1 d", "2 h", "5 min", "7 s"]
    assert quantity(3.0499, "ms") == "3.05 ms"
    assert quantity(0.001, "ratio") == "0.1 %"
    assert quantity(1_200_000_000.0, "bit/s") == "1.2 Gbit/s"
    assert quantity(None, "ms") == "not measured"


def series(**more) -> Series:
    lines = line("a", (1.0, 2.0, 3.0), None), line("b", (1.5, 4.0, 5.0), (1.0, 2.5, 3.0))
    made = Series("DEN-1", "latency", "ms", range(0, 120, 60), 8.0, "p95 ≤ 8 ms", lines)
    return replace(made, **more)


def line(channel: str, *points: tuple[float, float, float] | None) -> Line:
    low, middle, high = np.array([point or (math.nan,) * 3 for point in points]).T
    return Line(channel, low, middle, high)


def test_a_chart_is_also_a_sentence_and_a_table() -> None:
    made = chart(series(), series(), "Latency", "median", "UTC", 0)

    assert made.summary == (
        "Last 2.50 ms on b, the highest channel; 1.00 ms to 5.00 ms in this range. "
        "Contract: p95 ≤ 8 ms."
    )
    assert made.head == ("from", "a", "b")
    assert made.rows[1] == ("00:01 UTC", "not measured", "2.50 ms")
    assert made.body == (
        '<tr><th scope="row">00:00 UTC</th><td class="number">2.00 ms</td>'
        '<td class="number">4.00 ms</td></tr><tr><th scope="row">00:01 UTC</th>'
        '<td class="number">not measured</td><td class="number">2.50 ms</td></tr>'
    )


def test_what_a_cell_says_is_no_markup() -> None:
    made = replace(
        chart(series(), series(), "Latency", "median", "UTC", 0), rows=(("<b>", "a&b", "<i>"),)
    )

    assert made.body == (
        '<tr><th scope="row">&lt;b&gt;</th><td class="number">a&amp;b</td>'
        '<td class="number">&lt;i&gt;</td></tr>'
    )


def test_gaps_stay_gaps_and_the_band_is_the_widest_of_the_channels() -> None:
    points = json.loads(chart(series(), series(), "Latency", "median", "UTC", 0).points)

    assert points["lines"][0] == {"name": "a", "values": [2.0, None]}
    assert (points["low"], points["high"]) == ([1.0, 1.0], [5.0, 3.0])
    assert points["limit"] == 8.0


def test_nothing_measured_is_said_so() -> None:
    empty = series(starts_s=range(0, 60, 60), lines=(line("a", None),))

    made = chart(empty, empty, "Latency", "median", "UTC", 0)

    assert not made.measured
    assert made.summary == "Not measured in this range."
    assert bgp_summary(empty) == "BGP was not measured in this range."


@pytest.mark.parametrize("days", [1, 2, 7, 31, 400])
@pytest.mark.parametrize("grid", [1, 10, 60, 300])
def test_a_step_is_whole_grid_steps_and_few_enough_points(days, grid) -> None:
    step = step_for(0, days * 86_400, grid, POINTS_MAX)

    assert step % grid == 0
    assert step >= 60
    assert days * 86_400 / step <= POINTS_MAX


def test_the_bgp_lane_draws_each_state_and_escapes_names() -> None:
    shares = line("<b>&", (1.0,) * 3, (1.0,) * 3, (0.5,) * 3, None)
    lane = bgp_lane(series(metric="bgp", starts_s=range(0, 240, 60), lines=(shares,)), 0, 240)

    assert "&lt;b&gt;&amp;" in lane
    assert "<b>" not in lane
    assert lane.count('class="tape-up"') == 1, "equal steps are one mark"
    assert lane.count('class="tape-down"') == 1
    assert lane.count('class="tape-unmeasured"') == 1


def test_templates_escape_whatever_they_print() -> None:
    template = make_templates().env.from_string("<p>{{ name }}</p>")

    assert template.render(name="<img hx-get=/x>") == "<p>&lt;img hx-get=/x&gt;</p>"
