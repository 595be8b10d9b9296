"""Numbers as they are written, on both sides of each place where the writing changes."""

from fractions import Fraction

import pytest

from sla.words import decimal_down, decimal_up, duration, percent_down, plain, why_open


@pytest.mark.parametrize(
    ("ratio", "written"),
    [
        (Fraction(0), "0.00000"), (Fraction(1), "100.00000"), (Fraction(1, 3), "33.33333"),
        (Fraction(2, 3), "66.66666"), (Fraction(1, 10_000_000), "0.00001"),
        (Fraction(1, 10_000_001), "0.00000"), (Fraction(9_999_999, 10_000_000), "99.99999"),
    ],
)  # fmt: skip
def test_a_percentage_has_five_places_and_is_rounded_down(ratio: Fraction, written: str) -> None:
    assert percent_down(ratio) == written


@pytest.mark.parametrize(
    ("value", "places", "down", "up"),
    [
        (Fraction(8), 5, "8.00000", "8.00000"), (Fraction(25, 3), 5, "8.33333", "8.33334"),
        (Fraction(1, 3), 1, "0.3", "0.4"), (Fraction(1, 2), 1, "0.5", "0.5"),
        (Fraction(205, 100), 2, "2.05", "2.05"), (Fraction(1, 1_000), 2, "0.00", "0.01"),
        (Fraction(9_999, 1_000), 2, "9.99", "10.00"),
    ],
)  # fmt: skip
def test_a_value_is_rounded_towards_breach(
    value: Fraction, places: int, down: str, up: str
) -> None:
    assert (decimal_down(value, places), decimal_up(value, places)) == (down, up)
    if places == 5:
        assert (decimal_down(value), decimal_up(value)) == (down, up)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("8", "8"), ("100", "100"), ("0", "0"), ("1/2", "0.5"), ("99.99", "99.99"),
        ("0.001", "0.001"), ("3/2", "1.5"), ("1/3", "0.333333333333334"),
    ],
)  # fmt: skip
def test_a_contracts_number_is_written_as_it_was(value: str, written: str) -> None:
    assert plain(Fraction(value)) == written


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (1, "1 s"), (59, "59 s"), (60, "1 min 0 s"), (61, "1 min 1 s"),
        (3_599, "59 min 59 s"), (3_600, "1 h 0 min 0 s"), (3_660, "1 h 1 min 0 s"),
        (86_399, "23 h 59 min 59 s"), (86_400, "1 d 0 h 0 min 0 s"),
        (2 * 86_400 + 3 * 3_600 + 10, "2 d 3 h 0 min 10 s"),
    ],
)  # fmt: skip
def test_a_duration_begins_with_its_greatest_unit(seconds: int, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("is_over", "proposals", "said"),
    [
        (True, 0, "later samples may still change it"),
        (True, 1, "1 proposal awaits a decision"),
        (True, 2, "2 proposals await a decision"),
        (False, 0, "it is not over"),
        (False, 1, "it is not over, and 1 proposal awaits a decision"),
        (False, 12, "it is not over, and 12 proposals await a decision"),
    ],
)
def test_a_month_that_is_open_says_why(is_over: bool, proposals: int, said: str) -> None:
    assert why_open(is_over=is_over, proposals=proposals) == said
