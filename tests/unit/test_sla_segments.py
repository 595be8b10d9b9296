"""A month in segments: each held to its own terms, the credit weighted, the seconds untouched."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.clock import ManualClock, parse_instant
from linksla.settings import TimeSettings
from sla.answers import MonthAnswer, Outcome
from sla.contracts import load_contracts
from sla.json import to_json
from sla.queries import Queries
from sla.scope import AllCustomers
from sla.trials import load_trial, run_case

FIRST = """\
id: c
version: 1
title: T
source: here
timezone: UTC
availability: {target_percent: 99.9, up_at_least: 1, consecutive: 1}
credit: {basis: availability_percent, bands: [[99.9, 0], [0, 10]]}
"""
MIDDLE = "2026-06-16T00:00:00Z"  # half of June's 2,592,000 s
SECOND = (
    FIRST.replace("version: 1", f"version: 2\nvalid_from: {MIDDLE}")
    .replace("target_percent: 99.9,", "target_percent: 99.99,")
    .replace("[[99.9, 0], [0, 10]]", "[[99.99, 0], [0, 30]]")
)
USD = "currency: USD"
RAISED = f"prices: [{{amount: 1000, {USD}}}, {{start: {MIDDLE}, amount: 3000, {USD}}}]"
PRICED = "prices: [{amount: 1000, currency: USD}]"


def judge(
    folder: Path,
    runs: str,
    *contracts: str,
    circuit: str = PRICED,
    more: str = "",
) -> MonthAnswer:
    names = []
    for number, text in enumerate(contracts):
        (folder / f"c{number}.yaml").write_text(text)
        names.append(f"c{number}.yaml")
    path = folder / "cases.yaml"
    path.write_text(
        f"contract: [{', '.join(names)}]\ncircuit: {{grid_seconds: 60, {circuit}}}\ncases:\n"
        f'  - name: it\n    month: 2026-06\n    channels: {{a: "{runs}"}}\n{more}    expect: {{}}\n'
    )
    trial = load_trial(path)
    return run_case(trial, trial.cases[0])


def test_each_segment_is_held_to_its_own_target_and_credit_weighs_by_its_share(
    tmp_path: Path,
) -> None:
    # 22 minutes down in either half: 1,296 s are allowed at 99.9 % of half a month, 129 at 99.99
    answer = judge(tmp_path, "G100 B20 G21600 B20 G*", FIRST, SECOND)

    first, second = answer.segments
    assert (first.end_s, second.start_s) == (parse_instant(MIDDLE), parse_instant(MIDDLE))
    assert (first.contract_version, second.contract_version) == (1, 2)
    assert (first.verdict, second.verdict) == (Outcome.MET, Outcome.BREACHED)
    assert (first.target, second.target) == ("99.9", "99.99")
    assert (first.share, second.share) == ("1/2", "1/2")
    assert (first.down_seconds, second.down_seconds) == (1200, 1200)
    assert answer.verdict is answer.objectives[0].verdict is Outcome.BREACHED
    assert answer.objectives[0].target == "99.9, then 99.99"
    assert answer.seconds.down == 2400
    assert answer.seconds.total == 2_592_000
    assert answer.availability_contractual == "99.90740"
    assert answer.budget_allowed_seconds == 1296 + 129
    assert (answer.credit_percent, answer.credit_amount) == ("15", "150.00")
    assert "30 % for 1/2 of the period" in answer.credit_reason
    assert len(answer.outages) == 2


def test_an_outage_over_the_change_is_one_outage_and_counts_in_each_its_seconds(
    tmp_path: Path,
) -> None:
    answer = judge(tmp_path, "G21590 B20 G*", FIRST, SECOND)

    (outage,) = answer.outages
    assert outage.down_seconds == 1200
    assert outage.end_s == outage.start_s + 1200
    assert [segment.down_seconds for segment in answer.segments] == [600, 600]


def test_the_price_in_force_at_the_onset_counts_and_not_the_one_after(tmp_path: Path) -> None:

    carried_over = judge(tmp_path, "G21599 B100 G*", FIRST, circuit=RAISED)
    after = judge(tmp_path, "G21600 B99 G*", FIRST, circuit=RAISED)

    assert [segment.charge for segment in carried_over.segments] == ["1000.00 USD", "1000.00 USD"]
    assert [segment.credit_percent for segment in carried_over.segments] == ["0", "10"]
    assert carried_over.credit_amount == "50.00"
    assert after.segments[1].charge == "3000.00 USD"
    assert after.credit_amount == "150.00"


def test_two_outages_of_different_prices_count_by_their_seconds(tmp_path: Path) -> None:

    answer = judge(tmp_path, "G21590 B40 G100 B30 G*", FIRST, circuit=RAISED)

    assert answer.segments[1].charge == "2000.00 USD"  # 30 minutes each


def test_an_outage_restores_too_slowly_only_where_it_began(tmp_path: Path) -> None:
    mttr = FIRST[: FIRST.index("credit:")] + "credit: {basis: mttr, bands: [[0, 0], [1200, 8]]}\n"

    answer = judge(tmp_path, "G21590 B20 G*", mttr, circuit=RAISED)

    # 600 s of it lie in each half, yet it took 1,200 s to restore
    assert [segment.credit_percent for segment in answer.segments] == ["8", "0"]


def test_a_change_of_bandwidth_cuts_the_month_too(tmp_path: Path) -> None:
    circuit = f"bandwidth_mbps: 1000, bandwidths: [{{start: {MIDDLE}, mbps: 10000}}], {PRICED}"

    answer = judge(tmp_path, "G*", FIRST, circuit=circuit)

    assert [segment.bandwidth_mbps for segment in answer.segments] == [1000, 10000]
    assert answer.verdict is Outcome.MET


def test_without_a_price_there_is_a_percentage_and_no_amount(tmp_path: Path) -> None:
    answer = judge(tmp_path, "B100 G*", FIRST, circuit="prices: []")

    assert (answer.credit_percent, answer.credit_amount) == ("10", None)


def test_a_part_of_a_month_is_charged_by_its_seconds(tmp_path: Path) -> None:
    answer = judge(tmp_path, "B100 G*", FIRST, circuit=f"active_from: {MIDDLE}, {PRICED}")

    assert answer.seconds.total == 1_296_000
    assert (answer.credit_percent, answer.credit_amount) == ("10", "50.00")


@pytest.mark.parametrize(("minimum", "issued"), [("99.99", True), ("100", False)])
def test_a_credit_is_issued_only_if_it_is_greater_than_the_minimum(
    tmp_path: Path, minimum: str, issued: bool
) -> None:
    payout = f"payout: {{currency: USD, minimum_amount: {minimum}, claim_within_days: 30}}\n"

    answer = judge(tmp_path, "B100 G*", FIRST + payout)

    assert (answer.credit_amount, answer.credit_issued) == ("100.00", issued)
    assert ("Not issued" in answer.credit_reason) is not issued
    assert answer.credit_claim_by_s == parse_instant("2026-07-31T00:00:00Z")


def test_another_currency_than_the_contract_pays_in_gives_no_amount(tmp_path: Path) -> None:
    answer = judge(tmp_path, "B100 G*", FIRST + "payout: {currency: EUR}\n")

    assert (answer.credit_percent, answer.credit_amount) == ("10", None)
    assert "the price is in USD, not EUR" in answer.credit_reason


def test_the_monthly_cap_on_maintenance_is_shared_by_the_segments(tmp_path: Path) -> None:
    cap = "maintenance: {notice_hours: 0, cap_hours_per_month: 1}\n"
    windows = "    maintenance:\n" + "".join(
        f"      - {{id: W{day}, circuit: trial, start: '2026-06-{day}T00:00:00Z', "
        f"end: '2026-06-{day}T01:00:00Z', announced_at: '2026-05-01T00:00:00Z', "
        "proposed_by: carrier, reason: work}\n"
        for day in (10, 20)
    )

    answer = judge(tmp_path, "G*", FIRST + cap, SECOND + cap, more=windows)

    assert answer.seconds.excluded == 3600


def test_who_may_not_see_money_sees_none_of_it_in_the_segments(tmp_path: Path) -> None:
    answer = judge(tmp_path, "B100 G*", FIRST, SECOND)

    plain, commercial = (to_json(answer, commercial=one) for one in (False, True))

    assert "charge" in str(commercial["segments"])
    assert not [word for word in ("charge", "credit", "USD") if word in str(plain["segments"])]
    assert commercial["credit"]["amount"] == "50.00"


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(1, 3000), st.sampled_from("GB?")), min_size=1, max_size=12))
def test_cutting_a_month_moves_no_second_and_the_credit_is_the_weighted_sum(
    tmp_path: Path, runs: list[tuple[int, str]]
) -> None:
    text = " ".join(f"{kind}{count}" for count, kind in runs) + " G*"
    days = (4, 11, 27)
    changes = ", ".join(f"{{start: '2026-06-{day:02d}T00:00:00Z', mbps: {day}}}" for day in days)

    whole = judge(tmp_path, text, FIRST)
    cut = judge(tmp_path, text, FIRST, circuit=f"bandwidths: [{changes}], {PRICED}")

    assert cut.seconds == whole.seconds
    assert cut.availability_contractual == whole.availability_contractual
    assert cut.outages == whole.outages
    assert sum(segment.down_seconds or 0 for segment in cut.segments) == whole.seconds.down
    shares = [Fraction(segment.share or "0") for segment in cut.segments]
    assert sum(shares) == 1
    weighed = sum(
        (share * Fraction(segment.credit_percent or "0")
         for share, segment in zip(shares, cut.segments, strict=True)),
        Fraction(0),
    )  # fmt: skip
    assert abs(Fraction(cut.credit_percent) - weighed) <= Fraction(1, 200_000)


def open_december(network, starts: str) -> MonthAnswer:
    """Judge DEN-1's December, complete up to the 3rd (UTC), with a second version from `starts`."""
    contracts = network.folder / "contracts"
    second = (contracts / "last-mile.yaml").read_text()
    second = second.replace("version: 1", f"version: 2\nvalid_from: {starts}")
    (contracts / "last-mile-2.yaml").write_text(second.replace("99.99, up", "99.9, up"))
    queries = Queries(
        network.store,
        network.inventory,
        load_contracts(contracts),
        (),
        TimeSettings(),
        ManualClock(0),
    )
    answer = queries.month(AllCustomers(commercial=True), "DEN-1", "2025-12")
    assert answer is not None
    return answer


def test_a_version_that_has_not_begun_does_not_shorten_the_month(small_network) -> None:
    answer = open_december(small_network, "2025-12-15T12:00:00Z")

    (segment,) = answer.segments
    assert answer.month_end_s == parse_instant("2026-01-01T07:00:00Z")
    assert segment.full_end_s == parse_instant("2025-12-15T12:00:00Z")
    assert Fraction(segment.share or "0") < Fraction(1, 2)
    assert not answer.final


def test_a_closed_segment_of_an_open_month_is_judged_beside_the_open_one(small_network) -> None:
    answer = open_december(small_network, "2025-12-02T07:00:00Z")

    first, second = answer.segments
    assert (first.end_s, first.full_end_s) == (second.start_s, second.start_s)
    assert second.end_s == answer.complete_up_to_s == parse_instant("2025-12-03T00:00:00Z")
    assert second.full_end_s == answer.month_end_s
    assert answer.seconds.total == answer.end_s - answer.start_s
    # what is left is the open segment's: 99.9 % of the 30 days from the 2nd on
    assert answer.budget_left_seconds == 30 * 86_400 // 1000
