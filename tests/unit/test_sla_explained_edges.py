"""What explains an outage, a channel and an objective: each second and number in its place."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from linksla.clock import iso
from linksla.inventory import Bandwidth
from sla.answers import Bucket, ObjectiveAnswer, Outage, Outcome
from sla.contracts import PerformanceTerms
from sla.evidence import ChannelEvidence, _active, _filled, evidence_words, merged, seconds_of
from sla.explain_objectives import _trimmed, _value, explain_objectives
from sla.explain_outages import Rule, explain_outage
from sla.explanation import ChannelSpan
from sla.history import FAR_AHEAD_S
from sla.judged import JudgedRun
from sla.measures import Observed, Totals
from sla.outages import outage_id
from sla.periods import Ownership
from sla.telemetry import ChannelRow
from tests.unit.past_bench import DARK, DAY, DOWN, JULY, JUNE, ONE, Past, runs_of
from tests.unit.told_bench import facts


@pytest.mark.parametrize(
    ("bgp", "loss", "state", "words"),
    [
        (1, None, "good", "BGP established, loss not measured"),
        (0, None, "unknown", "BGP unknown, loss not measured"),
        (0, 0, "good", "BGP unknown, no loss"), (2, 0, "bad", "BGP not established, no loss"),
        (1, 1, "good", "BGP established, loss above 0 %, at most 0.1 %"),
        (1, 6, "good", "BGP established, loss above 25 %, at most 50 %"),
        (0, 7, "bad", "BGP unknown, loss above 50 %, at most 75 %"),
        (2, None, "bad", "BGP not established, loss not measured"),
    ],
)  # fmt: skip
def test_evidence_is_said_in_words(bgp: int, loss: int | None, state: str, words: str) -> None:
    assert evidence_words(bgp, loss, 6) == (state, words)


def test_a_channel_fills_its_time_without_gap_and_overlap() -> None:
    known = [
        (30, 40, 2, 0), (10, 20, 1, 0), (15, 25, 1, 0), (18, 25, 2, 0), (90, 120, 1, None),
        (20, 22, 2, 0),
    ]  # fmt: skip

    found = [(one.start_s, one.end_s, one.state) for one in _filled("a", known, 5, 100, 6)]

    assert found == [
        (5, 10, "unknown"), (10, 20, "good"), (20, 25, "good"), (25, 30, "unknown"),
        (30, 40, "bad"), (40, 90, "unknown"), (90, 100, "good"),
    ]  # fmt: skip
    assert [(one.start_s, one.end_s) for one in _filled("a", [], 5, 9, 6)] == [(5, 9)]
    assert [(one.start_s, one.end_s) for one in _filled("a", [(5, 9, 1, 0)], 5, 9, 6)] == [(5, 9)]


def test_a_cell_that_a_channel_begins_or_ends_in_belongs_to_it() -> None:
    assert _active(ChannelRow("C", "a", 1, 15, 25), 10) == (10, 30)
    assert _active(ChannelRow("C", "a", 1, 20, 30), 10) == (20, 30)
    assert _active(ChannelRow("C", "a", 1, 20, None), 10) == (20, FAR_AHEAD_S)


def channel(name: str, *spans: tuple[int, int, str, str]) -> ChannelEvidence:
    return ChannelEvidence(name, tuple(ChannelSpan(name, *one) for one in spans))


A = channel("a", (0, 20, "good", "g"), (20, 50, "bad", "BGP"), (50, 60, "bad", "loss"),
            (60, 90, "unknown", "u"))  # fmt: skip
B = channel("b", (0, 45, "good", "g"), (45, 90, "bad", "loss"))


def test_a_channels_time_is_split_by_state_with_the_reasons_of_bad_time() -> None:
    one, two = seconds_of([A, B], 10, 80)

    assert (one.channel, one.active_seconds, one.good_seconds, one.bad_seconds,
            one.unknown_seconds) == ("a", 70, 10, 40, 20)  # fmt: skip
    assert one.why_bad == "BGP for 30 s; loss for 10 s"
    assert (two.active_seconds, two.good_seconds, two.bad_seconds) == (70, 35, 35)
    assert seconds_of([A, B], 90, 95) == ()
    late = channel("late", (80, 90, "good", "g"))
    assert [one.channel for one in seconds_of([late, B], 10, 80)] == ["b"]
    twice = channel("c", (0, 5, "bad", "x"), (5, 9, "bad", "y"), (9, 12, "bad", "x"))
    assert seconds_of([twice], 0, 12)[0].why_bad == "x for 8 s; y for 4 s"
    assert seconds_of([channel("d", (0, 4, "bad", "z"), (4, 8, "bad", "y"))], 0, 8)[0].why_bad == (
        "y for 4 s; z for 4 s"
    )


def test_channels_merge_as_the_circuit_is_judged() -> None:
    runs = runs_of("U45 D20 M15")

    def found(needed: int, start: int = 10, end: int = 85) -> list[tuple[Any, ...]]:
        return [
            (one.start_s, one.end_s, one.good, one.bad, one.unknown, one.state,
             one.as_experienced.value)
            for one in merged([A, B], runs, needed, start, end)
        ]  # fmt: skip

    assert found(1) == [
        (10, 20, 2, 0, 0, "good", "up"), (20, 45, 1, 1, 0, "good", "up"),
        (45, 60, 0, 2, 0, "bad", "down"), (60, 65, 0, 1, 1, "unknown", "down"),
        (65, 85, 0, 1, 1, "unknown", "unmeasured"),
    ]  # fmt: skip
    assert [one[5] for one in found(2)] == ["good", "bad", "bad", "bad", "bad"]
    assert [one[5] for one in found(3)] == ["bad"] * 5
    assert found(1, 60, 65) == [(60, 65, 0, 1, 1, "unknown", "down")]
    assert {one.enabled for one in merged([A, B], runs, 1, 10, 85)} == {2}
    alone = merged([channel("a", (30, 40, "good", "g"))], (), 1, 20, 50)
    assert [(one.start_s, one.end_s, one.enabled, one.state, one.bucket) for one in alone] == [
        (20, 30, 0, "bad", DARK), (30, 40, 1, "good", DARK), (40, 50, 0, "bad", DARK),
    ]  # fmt: skip


def test_evidence_is_cut_to_a_range() -> None:
    assert [(one.start_s, one.end_s) for one in A.within(20, 55)] == [(20, 50), (50, 55)]
    assert [(one.start_s, one.end_s) for one in A.within(19, 21)] == [(19, 20), (20, 21)]
    assert list(A.within(90, 99)) == []


RULE = Rule(1, 3, 10)
MINE = Ownership("acme", 0, FAR_AHEAD_S)


def run(start: int, end: int, bucket: Bucket, *, bad: bool = False, was: Any = None) -> JudgedRun:
    return JudgedRun(start, end, bucket, was or bucket, bad)


def explained(
    runs: tuple[JudgedRun, ...], onset: int, start: int = 0, end: int = 500,
    own: Ownership = MINE, evidence: Any = (A, B), rule: Rule = RULE,
) -> Any:  # fmt: skip
    outage = Outage(outage_id("C", onset), "C", onset, None, 0, 0, "carrier", carried_in=False)
    return explain_outage(outage, runs, evidence, rule, own, start, end)


UP = Bucket.UP
WENT = (
    run(0, 45, UP), run(45, 65, DOWN, bad=True), run(65, 75, DARK), run(75, 95, DOWN, bad=True),
    run(95, 110, DOWN), run(110, 150, UP), run(150, 190, DOWN, bad=True), run(190, 230, UP),
)  # fmt: skip


def test_an_outage_is_explained_from_its_first_cell_to_its_end() -> None:
    found = explained(WENT, 45)

    assert (found.lower_s, found.upper_s, found.unmeasured_seconds) == (45, 110, 10)
    assert found.onset == (
        f"Bad from {iso(45)}: 4 cells of 10 s in a row (40 s); 3 in a row make it down, from the "
        "first of them. 10 s between them are unknown, which does not break the run. In the first "
        "cell 0 of 2 channels were good, 2 bad, 0 unknown; 1 good one is needed."
    )
    assert found.end == f"Good again from {iso(110)}: 4 cells of 10 s in a row; 3 end it."
    assert [(one.channel, one.active_seconds) for one in found.channels] == [("a", 45), ("b", 45)]
    needs_two = explained(WENT, 45, rule=Rule(2, 3, 10))
    assert needs_two.onset.endswith("2 good ones are needed.")


def test_an_outage_is_cut_to_the_month() -> None:
    found = explained(WENT, 45, 70, 100)

    assert (found.lower_s, found.upper_s, found.unmeasured_seconds) == (70, 100, 5)
    assert found.onset.endswith("It began in an earlier month, which it counts for.")
    assert found.end.endswith("It goes on into the next month, which its seconds there count for.")
    assert not explained(WENT, 45, 45, 110).end.endswith("count for.")
    assert "In the first cell" in explained(WENT, 45, 45, 110).onset
    assert explained(WENT, 45, 75, 500).unmeasured_seconds == 0
    assert explained(WENT, 45, 0, 65).unmeasured_seconds == 0


def test_an_outage_that_goes_on_or_is_another_owners_says_so() -> None:
    goes_on = (run(0, 45, UP), run(45, 70, DOWN, bad=True), run(70, 90, DOWN))

    assert explained(goes_on, 45).end == (
        f"It had not ended at {iso(90)}: no 3 good cells in a row yet."
    )
    assert explained(goes_on, 45).upper_s == 500
    left = explained(goes_on, 45, own=Ownership("acme", 0, 60))
    assert left.end.startswith(f"It had not ended at {iso(60)}")
    assert explained(WENT, 45, own=Ownership("acme", 0, 109)).end == (
        "It had not ended when this ownership did."
    )
    assert explained(WENT, 45, own=Ownership("acme", 0, 110)).end.startswith("Good again")
    assert explained(WENT, 45, own=Ownership("acme", 46, 999)).onset == (
        "It was down already when this ownership began."
    )
    assert explained(WENT, 45, own=Ownership("acme", 45, 999)).onset.startswith("Bad from")


def test_silence_after_an_outage_is_told() -> None:
    silent = (run(0, 45, UP), run(45, 75, DOWN, bad=True), run(75, 125, DARK), run(125, 135, UP))

    assert explained(silent, 45).end == (
        f"Its last down second ended at {iso(75)}; then nothing is known. Good again from "
        f"{iso(125)}: 1 cell of 10 s in a row; 3 end it."
    )


def test_n_unknown_cells_in_a_row_break_a_run_and_fewer_do_not() -> None:
    def onset(silent: int) -> str:
        runs = (
            run(0, 45, UP), run(45, 75, DOWN, bad=True), run(75, 75 + silent, DARK),
            run(75 + silent, 175, DOWN, bad=True), run(175, 205, UP),
        )  # fmt: skip
        said: str = explained(runs, 45).onset
        return said.split(";")[0]

    assert onset(30) == f"Bad from {iso(45)}: 3 cells of 10 s in a row (30 s)"
    assert onset(29) == f"Bad from {iso(45)}: 10 cells of 10 s in a row (1 min 41 s)"


def seen(**more: Any) -> Observed:
    known = {
        "name": "a", "latency_count": 19, "latency_sum_us": 19_500, "latency_max_us": 3_000,
        "lost_count": 1, "loss_count": 4, "loss_sum_ppm": 30, "loss_max_ppm": 20,
        "latency_buckets": {10: 10, 20: 9},
        "throughput": {"throughput_rx": Totals(4, 2_000_000, 800_000)},
    }  # fmt: skip
    return Observed(**(known | more))


def objective(metric: str, statistic: str, **more: Any) -> PerformanceTerms:
    known = {"name": "o", "metric": metric, "statistic": statistic, "limit": "1"}
    return PerformanceTerms(**(known | more))


def test_values_are_worked_out_from_what_was_observed() -> None:
    mean = _value(objective("latency", "mean"), seen(), None)
    assert (mean.value, mean.working) == ("1.0263158 ms", "19,500 µs / 19")
    assert _value(objective("latency", "maximum"), seen(), None).value == "3 ms"
    half = _value(objective("latency", "p50"), seen(), None)
    assert (half.observations, half.lost) == (20, 1)
    assert half.working == (
        "rank ⌈50 % × 20⌉ = 10; 10 observations are at most 10 µs, the bucket of 10 to 10 µs holds "
        "the rank, its middle stands for it"
    )
    above = _value(objective("latency", "p51"), seen(), None)
    assert above.working.startswith("rank ⌈51 % × 20⌉ = 11; 19 observations are at most 20 µs")
    lost = _value(objective("latency", "p99"), seen(), None)
    assert (lost.value, lost.working) == (
        "infinity", "rank ⌈99 % × 20⌉ = 20 lies among the 1 lost ones",
    )  # fmt: skip
    nothing = _value(objective("jitter", "mean"), seen(), None)
    assert (nothing.value, nothing.observations, nothing.lost, nothing.working) == (
        None, 0, 0, "nothing was observed",
    )  # fmt: skip
    counts = {"jitter": {20: 9, 10: 10}}
    jitter = _value(objective("jitter", "p52"), seen(jitter_count=19, buckets=counts), None)
    assert jitter.working.startswith("rank ⌈52 % × 19⌉ = 10; 10 observations are at most 10 µs")


def test_an_objective_is_told_with_the_steps_that_count() -> None:
    rx = objective("throughput_rx", "mean", name="rx", relative_to_bandwidth=True)
    pooled = objective("latency", "mean", name="rtt", channels="pooled")
    contract = replace(ONE, objectives=(rx, pooled))
    observed = [seen(), seen(name="b", latency_count=0, latency_sum_us=0, latency_buckets={})]

    def told(changes: int, objectives: Any = contract) -> Any:
        sizes = {"bandwidth_mbps": 8, "bandwidths": (Bandwidth(start=changes, mbps=2),)}
        past = Past([(JUNE + 90, JUNE + 150, DOWN)], (objectives,), complete=JULY + DAY,
                    circuit=sizes)  # fmt: skip
        period = replace(past.periods()[0], end_s=JULY)
        answer = ObjectiveAnswer("rtt", "1", "1", "ms", Outcome.MET, "why")
        return explain_objectives(
            observed, facts(), past.history().circuit, period, [answer]
        )  # fmt: skip

    first, second = told(JULY)
    assert (first.name, first.reason, second.name, second.reason) == ("rx", "", "rtt", "why")
    assert first.qualifying_seconds == 30 * DAY - 120  # from 60 to 180 s no step is whole
    assert first.qualifying == (
        "43,198 whole steps of 60 s that were up and not excluded: 2,591,880 s of the 2,592,000 s, "
        "in 2 pieces"
    )
    assert [one.channel for one in first.channels] == ["a", "b"]
    assert [(one.channel, one.observations) for one in second.channels] == [
        ("all channels pooled", 19),
    ]  # fmt: skip
    assert "0.0625 of the channel's even share of the bandwidth, 8 Mbit/s" in (
        first.channels[0].working
    )
    assert "of the bandwidth, 2 Mbit/s" in told(JULY - 1)[0].channels[0].working
    assert told(JULY, ONE) == ()


def test_throughput_is_told_beside_the_even_share_of_the_bandwidth() -> None:
    rx = objective("throughput_rx", "mean", relative_to_bandwidth=True)

    found = _value(rx, seen(), Fraction(3, 2))
    assert found.value == "0.5 Mbit/s"
    assert found.working == (
        "2,000,000 bit/s / 4; 0.3333333 of the channel's even share of the bandwidth, 1.5 Mbit/s"
    )
    assert _value(rx, seen(), None).working == "2,000,000 bit/s / 4"
    at_most = objective("throughput_rx", "mean", bound="at_most", relative_to_bandwidth=True)
    assert "; 0.3333334 of" in _value(at_most, seen(), Fraction(3, 2)).working


def test_a_value_has_seven_places_and_no_zeros_at_its_end() -> None:
    assert [_trimmed(Fraction(1, 3), down=way) for way in (True, False)] == [
        "0.3333333", "0.3333334",
    ]  # fmt: skip
    assert [_trimmed(Fraction(one), down=True) for one in ("10", "0.5", "0")] == ["10", "0.5", "0"]
