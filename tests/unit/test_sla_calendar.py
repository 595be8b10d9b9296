"""Contract months: the vectors, and midnights that are skipped or come twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linksla.clock import iso, parse_instant
from sla.calendar import is_month, month_at, month_bounds, months_between

ZONES = ("UTC", "America/Denver", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")


def test_every_month_of_the_vectors_agrees(vectors) -> None:
    for case in vectors("calendars")["months"]:
        start, end = month_bounds(case["month"], case["timezone"], case["anniversary_day"])

        assert (iso(start), iso(end)) == (case["start"], case["end"]), case
        assert end - start == case["seconds"]


@pytest.mark.parametrize(
    ("zone", "month", "day", "start"),
    [
        ("America/Sao_Paulo", "2018-11", 4, "2018-11-04T03:00:00Z"),  # 00:00 to 01:00 are skipped
        ("America/Havana", "2026-11", 1, "2026-11-01T04:00:00Z"),  # 00:00 comes twice: the first
        ("Pacific/Apia", "2011-12", 30, "2011-12-30T10:00:00Z"),  # the whole day is skipped
    ],
)
def test_a_midnight_that_is_skipped_or_doubled_starts_a_month_once(
    zone: str, month: str, day: int, start: str
) -> None:
    begins, _ = month_bounds(month, zone, day)

    assert iso(begins) == start
    assert month_at(begins, zone, day) == month
    assert month_at(begins - 1, zone, day) != month


@given(
    second=st.integers(min_value=0, max_value=4_000_000_000),
    zone=st.sampled_from(ZONES),
    day=st.integers(min_value=1, max_value=31),
)
def test_every_second_lies_in_exactly_the_month_found_for_it(
    second: int, zone: str, day: int
) -> None:
    start, end = month_bounds(month_at(second, zone, day), zone, day)

    assert start <= second < end


def test_months_between_are_adjacent_and_cover_the_range() -> None:
    start, end = parse_instant("2026-01-15T00:00:00Z"), parse_instant("2026-04-01T06:00:01Z")

    found = months_between(start, end, "America/Denver")

    assert found == ("2026-01", "2026-02", "2026-03", "2026-04")
    assert months_between(start, start, "UTC") == ()


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-01", "2026-1", "9999-01", "0001-01"])
def test_what_is_no_month_is_told_apart(text: str) -> None:
    assert not is_month(text)
    assert is_month("2026-01")
