"""What lies exactly on a line, at an end, or at zero: where mutants of contracts' numbers lived."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from linksla.clock import parse_instant
from sla.answers import Bucket, ObjectiveAnswer, Outcome, Seconds
from sla.bands import bands_fault, falling_band, percent, rising_band, rising_fault
from sla.budgets import HOUR, burn_rates
from sla.calendar import is_month, month_at, month_bounds, month_name, months_between
from sla.contracts import AvailabilityTerms, Contract
from sla.credits import Credit, Delivered, OutageSeconds, earned
from sla.exact import exact
from sla.judge import Tally, judge_availability, judge_credit, tally, worst_of
from sla.judged import JudgedRun
from sla.schedules import DownSecondsBands, PayoutTerms, Schedule, Schedules
from sla.statistics import nearest_rank, rank_of

Bands = tuple[tuple[Fraction, Fraction], ...]


def bands(*rows: tuple[Any, Any]) -> Bands:
    return tuple((Fraction(bound), Fraction(credit)) for bound, credit in rows)


FALLING = bands((99, 0), (95, 10), (0, 50))
RISING = bands((0, 0), (60, 10), (3600, 50))


def given(basis: str, known: dict[str, Any], **more: Any) -> Credit:
    schedule: Schedule = TypeAdapter(Schedule).validate_python({"basis": basis} | known)
    return earned(schedule, Delivered(**more))


@pytest.mark.parametrize("target", [0, "0.5", 100, "99.95"])
def test_a_target_lies_anywhere_from_0_to_100_percent(target: Any) -> None:
    terms = AvailabilityTerms(target_percent=target, up_at_least=1, consecutive=1)

    assert terms.target_percent == Fraction(target)


@pytest.mark.parametrize("target", ["-0.001", "100.001", True, None, "99,9", float("nan")])
def test_any_other_target_is_refused(target: Any) -> None:
    with pytest.raises(ValidationError):
        AvailabilityTerms(target_percent=target, up_at_least=1, consecutive=1)


def test_a_minimum_may_be_0_and_not_less() -> None:
    assert PayoutTerms(minimum_amount=0).minimum_amount == 0
    with pytest.raises(ValidationError):
        PayoutTerms(minimum_amount="-0.01")


def test_a_limit_is_greater_than_0() -> None:
    known = {"bands": [[0, 0], [10, 5]]}

    assert given("exceedance_percent", known | {"limit": "0.001"}).percent == 0
    with pytest.raises(ValidationError):
        given("exceedance_percent", known | {"limit": 0})


@pytest.mark.parametrize("target", [Fraction("99.9"), 99.9, "99.9", "999/10"])
def test_a_number_is_the_one_that_is_written(target: Any) -> None:
    terms = AvailabilityTerms(target_percent=target, up_at_least=1, consecutive=1)

    assert terms.target_percent == Fraction(999, 10)


def test_a_negative_number_is_exact_too() -> None:
    assert exact("-1/3") == Fraction(-1, 3)


def test_bands_may_give_the_same_credit_and_must_not_share_a_bound() -> None:
    assert bands_fault(bands((99, 5), (95, 5), (0, 5))) is None
    assert rising_fault(bands((0, 0), (60, 0), (90, 0)), "s") is None
    assert "overlap" in str(bands_fault(bands((99, 0), (99, 5), (0, 10))))
    assert "overlap" in str(rising_fault(bands((0, 0), (60, 1), (60, 2)), "s"))


def test_one_number_out_of_range_is_enough() -> None:
    for wrong in (bands((101, 0), (0, 10)), bands((100, 0), (0, 101)), bands(("100.5", 0), (0, 1))):
        assert bands_fault(wrong) == "bounds and credits lie between 0 and 100 percent"
    assert bands_fault(bands((100, 0), (0, 100))) is None
    assert (
        rising_fault(bands((0, 0), (60, "100.5")), "s") == "credits lie between 0 and 100 percent"
    )
    assert rising_fault(bands((0, 0), (60, 100)), "s") is None


def test_a_hole_below_the_last_band_is_named_with_its_bound() -> None:
    fault = bands_fault(bands((99, 0), (97, 5), (95, 10)))

    assert fault == "nothing is said below 95 %: the last band must start at 0 percent"


@pytest.mark.parametrize(
    ("value", "number"), [(100, 0), (99, 0), ("98.99999", 1), (95, 1), ("94.99999", 2), (0, 2)]
)
def test_a_bound_belongs_to_its_falling_band(value: Any, number: int) -> None:
    assert falling_band(FALLING, Fraction(value)) == FALLING[number]


@pytest.mark.parametrize(
    ("value", "number"), [(0, 0), ("59.9", 0), (60, 1), (3599, 1), (3600, 2), (10**9, 2), (None, 2)]
)
def test_a_bound_belongs_to_its_rising_band_and_infinity_to_the_last(
    value: Any, number: int
) -> None:
    assert rising_band(RISING, None if value is None else Fraction(value)) == RISING[number]


def test_below_all_bands_lies_the_outermost() -> None:
    assert falling_band(FALLING, Fraction(-1)) == FALLING[2]
    assert rising_band(RISING, Fraction(-1)) == RISING[0]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (5, "5"), ("1/2", "0.5"), ("-1/2", "-0.5"), ("1/3", "0.33333"), ("2/3", "0.66667"),
        ("1/1000000", "0"), ("-1/1000000", "0"), ("1/100000", "0.00001"), ("100/3", "33.33333"),
        (0, "0"), ("3/2", "1.5"), ("10.25", "10.25"),
    ],
)  # fmt: skip
def test_a_number_of_a_contract_is_printed_with_up_to_five_places(value: Any, printed: str) -> None:
    assert percent(Fraction(value)) == printed


def test_without_down_time_there_is_no_credit_for_it() -> None:
    known = {"bands": [[0, 0], [1, 5]]}

    assert given("cumulative_down_seconds", known).percent == 0
    assert given("cumulative_down_seconds", known, down_seconds=1).percent == 5
    assert given("mttr", known).percent == 0
    assert given("mttr", known, restore_seconds=(1,)).percent == 5


def test_an_hour_counts_once_completed_in_outages_that_qualify_up_to_the_cap() -> None:
    known = {
        "credit_per_hour_percent": 10, "cap_percent": 25, "minimum_qualifying_outage_seconds": 600,
    }  # fmt: skip

    def share(*outages: tuple[int, int]) -> Fraction:
        many = tuple(OutageSeconds(*one) for one in outages)
        return given("per_cumulative_hour", known, outages=many).percent

    assert share((3599, 3599)) == 0
    assert share((3600, 3600)) == 10
    assert share((599, 599), (3600, 3600)) == 10
    assert share((600, 600), (3000, 3000)) == 10
    assert share((7200, 3599)) == 0
    assert share((7200, 7200)) == 20
    assert share((10_800, 10_800)) == 25


def test_what_an_hourly_schedule_leaves_out_is_the_whole_charge_and_every_outage() -> None:
    known = {"credit_per_hour_percent": 30}
    outages = (OutageSeconds(1, 1), OutageSeconds(14_400, 14_400))
    credit = given("per_cumulative_hour", known, outages=outages)

    assert credit.percent == 100, "four hours at 30 %"
    assert "in outages of" not in credit.reason


def test_what_payout_terms_leave_out_is_any_amount_up_to_the_whole_charge() -> None:
    assert (PayoutTerms().minimum_amount, PayoutTerms().cap_percent) == (0, 100)


@pytest.mark.parametrize(
    "rows", [None, 5, [[0, 1, 2], 5], [[0, 1, 2], [0, 1]], [[0, 1, 2, 3]], [5]]
)
def test_ranges_that_are_not_rows_of_three_are_refused_as_such(rows: object) -> None:
    one = {"basis": "availability_percent_ranges", "ranges": rows}

    with pytest.raises(ValidationError, match=r"a list of \[from, to, credit\]"):
        TypeAdapter(Schedules).validate_python(one)


def test_no_schedule_is_an_empty_list_of_them() -> None:
    assert TypeAdapter(Schedules).validate_python(None) == ()


def test_what_lies_on_the_limit_does_not_exceed_it() -> None:
    known = {"limit": 10, "objective": "rtt", "bands": [[0, 0], [1, 5], [50, 8]]}

    def share(value: Any, **more: Any) -> Credit:
        return given("exceedance_percent", known, measured={"rtt": value}, **more)

    assert share(Fraction(10)) == Credit(Fraction(0), "No credit: rtt is within 10.")
    assert share(Fraction("10.1")).percent == 5
    assert share(Fraction("10.0999")).percent == 0
    assert share(Fraction(15)).percent == 8
    assert share(None).percent == 8
    assert "infinitely far" in share(None).reason
    assert " at least" not in share(None).reason
    assert share(None, is_open=True).percent == 0
    assert given("exceedance_percent", known).reason == "No credit: rtt was not measured."


def test_the_mean_to_restore_is_exact() -> None:
    known = {"bands": [[0, 0], [100, 5], [200, 9]]}

    assert given("mttr", known, restore_seconds=(100, 99)).percent == 0
    assert given("mttr", known, restore_seconds=(100, 101, 99)).percent == 5
    assert given("mttr", known, restore_seconds=(300, 100)).percent == 9
    assert " at least" not in given("mttr", known, restore_seconds=(300, 100)).reason
    assert given("mttr", known, restore_seconds=(300, 100), is_open=True).percent == 0


def test_an_open_month_gives_at_least_what_its_best_rest_cannot_undo() -> None:
    known = {"bands": [[99, 0], [0, 10]]}

    assert given("availability_percent", known).percent == 0
    closed = given("availability_percent", known, availability_percent=Fraction(98))
    still_open = given(
        "availability_percent", known, availability_percent=Fraction(98), is_open=True
    )
    assert closed.percent == still_open.percent == 10
    assert ("at least" in closed.reason, "at least" in still_open.reason) == (False, True)


def run(start_s: int, end_s: int, bucket: Bucket, *, bad: bool = False, was=None) -> JudgedRun:
    return JudgedRun(start_s, end_s, bucket, was or bucket, bad)


def test_seconds_are_those_inside_the_range_and_what_no_run_covers_is_unmeasured() -> None:
    runs = [
        run(0, 100, Bucket.DOWN, bad=True),
        run(100, 130, Bucket.UP, bad=True),
        run(130, 137, Bucket.EXCLUDED, bad=True, was=Bucket.DOWN),
        run(137, 150, Bucket.UP),
        run(150, 155, Bucket.DOWN, bad=True),
        run(155, 157, Bucket.UNMEASURED),
    ]

    found = tally(runs, 110, 160)

    assert found.contractual == Seconds(20 + 13, 5, 7, 2 + 3)
    assert found.as_experienced == Seconds(20 + 13, 7 + 5, 0, 2 + 3)
    assert found.bad_but_not_down == 20
    assert tally(runs, 100, 100) == Tally(Seconds(0, 0, 0, 0), Seconds(0, 0, 0, 0), 0)
    assert tally([], 10, 17) == Tally(Seconds(0, 0, 0, 7), Seconds(0, 0, 0, 7), 0)


def outcome(
    nominal: Seconds, bad: Seconds | None = None, good: Seconds | None = None, rest: int = 0, **more
) -> tuple[Outcome, str]:
    known = {"target_percent": 90, "up_at_least": 1, "consecutive": 1} | more
    verdict = judge_availability(
        AvailabilityTerms(**known),
        Tally(nominal, nominal, 0),
        bad or nominal,
        good or nominal,
        rest,
    )
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize(
    ("down", "more", "expected"),
    [
        (100, {}, "met"), (101, {}, "breached"),
        (75, {"rest": 1}, "met"), (76, {"rest": 100}, "at_risk"), (75, {"rest": 0}, "met"),
        (76, {"rest": 0}, "met"),
    ],
)  # fmt: skip
def test_what_lies_on_the_allowance_is_met_and_three_quarters_of_it_no_risk(
    down: int, more: dict[str, int], expected: str
) -> None:
    rest = more.get("rest", 0)

    assert outcome(Seconds(1000 - rest - down, down, 0, 0), rest=rest)[0] == expected


def test_only_the_whole_period_counts_excluded_and_unmeasured_seconds_as_good() -> None:
    seconds = Seconds(400, 50, 150, 0)  # 45 of 450 allowed, 60 of 600

    assert outcome(seconds)[0] is Outcome.BREACHED
    assert outcome(seconds, denominator="whole_period")[0] is Outcome.MET


def test_where_both_bounds_agree_they_are_the_verdict() -> None:
    better, worse = Seconds(1010, 20, 0, 0), Seconds(800, 230, 0, 0)

    assert outcome(Seconds(10, 20, 0, 1000), better, better)[0] is Outcome.MET
    assert outcome(Seconds(1000, 20, 0, 10), worse, worse)[0] is Outcome.BREACHED
    at_risk = outcome(Seconds(910, 90, 0, 0), Seconds(1000, 0, 0, 0), rest=10)
    assert at_risk[0] is Outcome.AT_RISK


@pytest.mark.parametrize(
    ("unmeasured", "expected"), [(50, "met"), (51, "not_assessable"), (55, "not_assessable")]
)
def test_a_share_that_is_just_measured_enough_decides(unmeasured: int, expected: str) -> None:
    up = 950 - (unmeasured - 50) - 60
    nominal, good = Seconds(up, 60, 0, unmeasured), Seconds(up + unmeasured, 60, 0, 0)

    found, reason = outcome(nominal, Seconds(up, 60 + unmeasured, 0, 0), good)

    assert found == expected
    if expected == "not_assessable":
        assert reason.startswith(f"Only {(1000 - unmeasured) // 10}.{(1000 - unmeasured) % 10}")


def test_nothing_measured_is_not_assessable_once_the_month_is_over() -> None:
    nothing, free = Seconds(0, 0, 0, 10), {"target_percent": 0}
    bad, good = Seconds(0, 10, 0, 0), Seconds(10, 0, 0, 0)

    assert outcome(nothing, bad, good, **free) == (Outcome.NOT_ASSESSABLE, "Nothing was measured.")
    assert outcome(nothing, bad, good, rest=1000)[0] is Outcome.MET


def test_all_excluded_is_not_assessable_once_the_month_is_over() -> None:
    out = Seconds(0, 0, 10, 0)

    assert outcome(out)[0] is Outcome.NOT_ASSESSABLE
    open_to_both = outcome(out, Seconds(0, 10, 0, 0), Seconds(10, 0, 0, 0))
    assert open_to_both[0] is Outcome.NOT_ASSESSABLE
    assert open_to_both[1].startswith("Only 0.00000 % of the period was measured")
    assert outcome(out, rest=5)[0] is Outcome.MET


def objective(verdict: Outcome) -> ObjectiveAnswer:
    return ObjectiveAnswer("x", "1", "1", "", verdict, "")


def test_the_gravest_verdict_is_the_months() -> None:
    order = [Outcome.MET, Outcome.AT_RISK, Outcome.NOT_ASSESSABLE, Outcome.BREACHED]

    for number, gravest in enumerate(order):
        assert worst_of([objective(one) for one in order[: number + 1]]) is gravest
        assert worst_of([objective(one) for one in reversed(order[: number + 1])]) is gravest
    assert worst_of([]) is Outcome.NOT_ASSESSABLE


@pytest.mark.parametrize(
    ("cap", "given_back", "capped"), [(16, 15, False), (15, 15, False), (14, 14, True)]
)
def test_schedules_add_up_to_the_cap(cap: int, given_back: int, capped: bool) -> None:
    terms = AvailabilityTerms(target_percent=90, up_at_least=1, consecutive=1)
    rows = [
        DownSecondsBands(basis="cumulative_down_seconds", bands=bands((0, 0), (1, share)))
        for share in (10, 5)
    ]
    contract = Contract(
        id="c", version=1, title="T", source="here", timezone="UTC", availability=terms,
        credit=tuple(rows), payout=PayoutTerms(cap_percent=cap),
    )  # fmt: skip
    seconds = Seconds(99, 1, 0, 0)
    verdict = judge_availability(terms, Tally(seconds, seconds, 0), seconds, seconds, 0)

    found, reason = judge_credit(contract, verdict, Delivered(down_seconds=1))

    assert found == given_back
    assert ("Capped" in reason) is capped


def test_a_contract_without_a_schedule_gives_nothing_back() -> None:
    terms = AvailabilityTerms(target_percent=90, up_at_least=1, consecutive=1)
    contract = Contract(
        id="c", version=1, title="T", source="here", timezone="UTC", availability=terms
    )
    seconds = Seconds(0, 100, 0, 0)
    verdict = judge_availability(terms, Tally(seconds, seconds, 0), seconds, seconds, 0)

    assert judge_credit(contract, verdict, Delivered(down_seconds=100))[0] == 0


@pytest.mark.parametrize(
    ("month", "zone", "day", "starts"),
    [
        ("2017-10", "America/Asuncion", 1, "2017-10-01T04:00:00Z"),  # 00:00 was 01:00
        ("2011-12", "Pacific/Apia", 30, "2011-12-30T10:00:00Z"),  # there was no 30th
        ("2026-11", "America/Havana", 1, "2026-11-01T04:00:00Z"),  # midnight came twice
        ("2026-06", "Asia/Kathmandu", 1, "2026-05-31T18:15:00Z"),
        ("2026-02", "UTC", 31, "2026-02-28T00:00:00Z"),
    ],
)
def test_a_month_starts_at_the_first_instant_of_its_day(
    month: str, zone: str, day: int, starts: str
) -> None:
    start, _ = month_bounds(month, zone, day)

    assert start == parse_instant(starts)
    assert isinstance(start, int)
    assert month_at(start, zone, day) == month
    assert month_at(start - 1, zone, day) < month


def test_a_month_begins_on_the_first_where_nothing_is_said() -> None:
    june, july = parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-07-01T00:00:00Z")

    assert month_bounds("2026-06", "UTC") == (june, july)
    assert month_at(june, "UTC") == month_at(july - 1, "UTC") == "2026-06"
    assert months_between(june, july, "UTC") == ("2026-06",)
    assert months_between(june, july + 1, "UTC") == ("2026-06", "2026-07")
    assert months_between(june - 1, july, "UTC") == ("2026-05", "2026-06")
    assert months_between(june, june, "UTC") == ()
    assert month_bounds("2026-12", "UTC")[1] == month_bounds("2027-01", "UTC")[0]
    assert [month_name(one) for one in ("2026-01", "2026-12")] == ["January 2026", "December 2026"]
    assert [is_month(one) for one in ("1900-01", "1899-12", "2026-13")] == [True, False, False]


@pytest.mark.parametrize(
    ("percentile", "observations", "rank"),
    [(0, 1, 1), (50, 1, 1), (100, 1, 1), (0, 9, 1), (50, 2, 1), (51, 2, 2), (99, 100, 99)],
)
def test_the_nearest_rank_begins_at_1(percentile: int, observations: int, rank: int) -> None:
    assert rank_of(Fraction(percentile), observations) == rank
    assert nearest_rank(list(range(1, observations + 1)), Fraction(percentile)) == rank


def test_a_window_as_long_as_the_month_is_looked_at_and_a_longer_one_is_not() -> None:
    def windows(whole: int) -> list[int]:
        return [one.long_seconds // HOUR for one in burn_rates([], 0, 0, whole, Fraction(1))]

    assert windows(72 * HOUR) == [1, 6, 24, 72]
    assert windows(72 * HOUR - 1) == [1, 6, 24]
    assert windows(HOUR) == [1]
    assert windows(HOUR - 1) == []


def test_what_begins_at_the_end_burns_nothing_and_hides_nothing() -> None:
    end = 30 * 24 * HOUR
    runs = [run(end - 60, end, Bucket.DOWN), run(end, end + 60, Bucket.DOWN)]

    before, after = (burn_rates(some, 0, end, end, Fraction(100)) for some in (runs[:1], runs))

    assert before == after
    assert before[0].long_rate == Fraction(60 * 720, 100)


def test_where_nothing_may_be_down_and_nothing_is_the_rate_is_0() -> None:
    dark = [run(0, 60, Bucket.UNMEASURED)]

    assert [one.long_rate for one in burn_rates(dark, 0, 60, HOUR, Fraction(0))] == [0]
    down = [run(0, 60, Bucket.DOWN)]
    assert [one.long_rate for one in burn_rates(down, 0, 60, HOUR, Fraction(0))] == [None]
