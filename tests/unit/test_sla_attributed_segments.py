"""Outages attributed by people in a month that two versions of a contract share."""

from dataclasses import replace
from fractions import Fraction

from linksla.clock import MICROSECONDS, ManualClock
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.answers import MonthAnswer
from sla.attributions import Act, Attribution, AttributionWord, reclassifications
from sla.contracts import AvailabilityTerms, Contract, ExclusionTerms
from sla.outages import outage_id
from sla.queries import Queries
from sla.schedules import PerCumulativeHour
from sla.scope import AllCustomers
from tests.unit.circuit_bench import HORIZON, HOUR, Bench, day

FIRST = Contract(
    id="c", version=1, title="T", source="here", timezone="UTC",
    availability=AvailabilityTerms(target_percent=Fraction(99), up_at_least=1, consecutive=3),
    exclusions=ExclusionTerms(customer=True),
    credit=(PerCumulativeHour(basis="per_cumulative_hour", credit_per_hour_percent=Fraction(10)),),
)  # fmt: skip
SECOND = replace(FIRST, version=2, valid_from=day(16), exclusions=ExclusionTerms())


def june(
    store: TelemetryStore, bad: tuple[int, int], said: tuple[int, int], versions=(FIRST, SECOND)
) -> MonthAnswer:
    """Judge June with one outage, that `said` (what was seen of it) attributes to the customer."""
    bench = Bench(store, bad={"a": [bad]})
    bench.queries()
    at = HORIZON * MICROSECONDS
    words = [
        AttributionWord(
            "p", Act.PROPOSED, "noc", at, "why", "C", outage_id("C", bad[0]), *said,
            Attribution.CUSTOMER,
        ),
        AttributionWord("p", Act.APPROVED, "manager", at + 1, "why"),
    ]  # fmt: skip
    queries = Queries(
        store, bench.inventory, {"c": versions}, (), TimeSettings(), ManualClock(at),
        reclassifications(words),
    )  # fmt: skip
    answer = queries.month(AllCustomers(commercial=True), "C", "2026-06")
    assert answer is not None
    return answer


def test_what_the_old_version_excluded_is_shown_so_though_the_new_one_would_not(
    memory_store: TelemetryStore,
) -> None:
    outage = (day(5), day(5, 2 * HOUR))

    answer = june(memory_store, outage, outage)

    assert (answer.seconds.down, answer.seconds.excluded) == (0, 2 * HOUR)
    assert [(one.down_seconds, one.excluded_seconds) for one in answer.outages] == [(0, 2 * HOUR)]
    (exclusion,) = answer.exclusions
    assert (exclusion.accepted, exclusion.seconds) == (True, 2 * HOUR)
    assert exclusion.reason.startswith("Accepted: customer.")


def test_what_the_old_version_did_not_exclude_still_earns_its_credit(
    memory_store: TelemetryStore,
) -> None:
    strict, lenient = replace(FIRST, exclusions=SECOND.exclusions), FIRST.exclusions
    outage = (day(5), day(5, 2 * HOUR))

    answer = june(
        memory_store, outage, outage, (strict, replace(SECOND, exclusions=lenient))
    )  # two hours at 10 %, for half of the month

    assert answer.seconds.down == answer.outages[0].down_seconds == 2 * HOUR
    assert [segment.credit_percent for segment in answer.segments] == ["20", "0"]
    assert answer.credit_percent == "10"


def test_a_word_about_the_later_part_of_an_outage_is_about_all_of_it(
    memory_store: TelemetryStore,
) -> None:
    lenient = replace(SECOND, exclusions=FIRST.exclusions)

    answer = june(
        memory_store,
        (day(16, -HOUR), day(16, HOUR)),
        (day(16, 60), day(16, HOUR)),
        (FIRST, lenient),
    )

    assert (answer.seconds.down, answer.seconds.excluded) == (0, 2 * HOUR)
