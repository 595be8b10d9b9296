"""A calm circuit is left alone; whatever may change anything about it makes it due."""

from dataclasses import replace
from pathlib import Path

import pytest

from linksla.clock import ManualClock
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.transactions import transaction
from processors.writer import Writer
from sla.calm import Awaits
from sla.contracts import load_contracts
from sla.evaluator import Evaluator
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.watch import Watch
from tests.unit.processors_support import TOPIC, US, Sample, numbered, poll_of

OCTOBER = 1_759_276_800  # 2025-10-01T00:00:00Z
BEGINS = OCTOBER - 3_600
CALM_AT = BEGINS + 600
TIME = TimeSettings(close_after_seconds=100)
CONTRACT = """
id: c
version: 1
title: t
source: a test
timezone: UTC
availability: {target_percent: 99, up_at_least: 1, consecutive: 3}
objectives:
  - {name: p95, metric: latency, statistic: p95, limit: 8}
"""


class Bench:
    """One circuit of two channels, ten-second samples, written and judged as in a node."""

    def __init__(
        self,
        store: TelemetryStore,
        folder: Path,
        *windows: MaintenanceWindow,
        ends: int | None = None,
        more: str = "",
    ) -> None:
        (folder / "c.yaml").write_text(CONTRACT + more)
        circuit = Circuit(
            id="X", owners=(Ownership(customer="a"),), contract="c", site="s", region="r",
            bandwidth_mbps=1, grid_seconds=10, channels=(Channel(name="ch1"), Channel(name="ch2")),
            active_from=BEGINS, active_to=ends,
        )  # fmt: skip
        known = Inventory({"a": Customer(id="a", name="A")}, {"X": circuit})
        clock = ManualClock(BEGINS * US)
        self.store, self.at, self.offset = store, BEGINS, 0
        self.writer = Writer(store, known, TOPIC, TIME, clock, Meters())
        self.watch = Watch()
        self.watch.note(self.writer.start().advance)
        terms = load_contracts(folder)
        queries = Queries(store, known, terms, windows, TIME, clock)
        self.evaluator = Evaluator(store, queries, clock)

    def write(self, until: int, *more: Sample, **fields: object) -> tuple[str, ...]:
        """Write good samples up to an instant, and others; return what is due."""
        samples = [
            replace(Sample(channel=channel, observed_at_us=second * US, latency_us=4_000), **fields)
            for second in range(self.at, until, 10)
            for channel in ("ch1", "ch2")
        ]
        written = self.writer.write(poll_of(numbered([*samples, *more], self.offset)))
        self.at, self.offset = until, self.offset + len(samples) + len(more)
        self.watch.note(written.advance)
        return self.watch.due(self.store.writer).judge

    def look(self, *restless: str, awaits: Awaits = Awaits.ANYTHING) -> None:
        """Judge the circuit in full; alarms of `restless` circuits wait for something."""
        with transaction(self.store.writer):
            self.evaluator.evaluate(["X"])
        self.watch.look(self.evaluator.looks, dict.fromkeys(restless, awaits))

    def polls(self, until: int, **fields: object) -> list[int]:
        """Write poll by poll, and look whenever it is due; return when that was."""
        found = []
        while self.at < until:
            if self.write(self.at + 10, **fields):
                found.append(self.at)
                self.look()
        return found


@pytest.fixture
def calm(memory_store: TelemetryStore, tmp_path: Path) -> Bench:
    bench = Bench(memory_store, tmp_path)
    assert bench.write(CALM_AT) == ("X",), "never judged yet"
    bench.look()
    return bench


def test_a_healthy_circuit_is_judged_once_and_then_left_alone(calm) -> None:
    for minutes in range(1, 20):
        assert calm.write(CALM_AT + 60 * minutes) == ()
    assert calm.watch.checked_up_to(["X"])["X"] == CALM_AT + 60 * 19 - 40


def test_bad_samples_make_it_due_when_they_may_decide_before_their_cells_are_complete(calm) -> None:
    assert calm.write(CALM_AT + 10, bgp_state=1) == ()
    assert calm.write(CALM_AT + 20, bgp_state=1) == ()
    assert calm.write(CALM_AT + 30, bgp_state=1) == ("X",), "three cells"


def test_a_bad_sample_that_is_followed_by_a_good_one_makes_it_due(calm) -> None:
    assert calm.write(CALM_AT + 10, bgp_state=1) == ()
    assert calm.write(CALM_AT + 20) == ("X",)


def test_a_bad_sample_behind_a_cell_without_one_makes_it_due(calm) -> None:
    calm.at = CALM_AT + 10
    assert calm.write(CALM_AT + 20, bgp_state=1) == ("X",)


def test_loss_above_the_threshold_makes_it_due_and_loss_below_does_not(calm) -> None:
    assert calm.write(CALM_AT + 40, loss_ppm=500_000) == ()
    assert calm.write(CALM_AT + 70, loss_ppm=500_001) == ("X",)


def test_a_cell_without_a_sample_makes_it_due(calm) -> None:
    calm.at = CALM_AT + 20
    assert calm.write(CALM_AT + 200) == ("X",)


def test_a_late_sample_makes_it_due(calm) -> None:
    late = Sample(
        observed_at_us=(CALM_AT - 300) * US, sequence=2, latency_us=7_000,
        append_time_us=CALM_AT * US,
    )  # fmt: skip
    assert calm.write(CALM_AT + 10, late) == ("X",)


def test_a_percentile_beyond_its_limit_makes_it_due_when_its_minute_is_complete(calm) -> None:
    assert calm.write(CALM_AT + 60, latency_us=9_000) == ()
    assert calm.write(CALM_AT + 120) == ("X",)


def test_the_end_of_the_month_makes_it_due(calm) -> None:
    assert calm.write(OCTOBER) == ()
    assert calm.write(OCTOBER + 50) == ("X",)


def test_a_window_ahead_makes_it_due(memory_store: TelemetryStore, tmp_path: Path) -> None:
    window = MaintenanceWindow(
        id="W", circuit="X", start=CALM_AT + 300, end=CALM_AT + 400, announced_at=BEGINS,
        proposed_by="p", reason="r",
    )  # fmt: skip
    bench = Bench(memory_store, tmp_path, window)
    bench.write(CALM_AT)
    bench.look()
    assert bench.write(CALM_AT + 200) == ()
    assert bench.write(CALM_AT + 290) == ("X",)


def test_what_alarms_or_people_want_to_see_again_is_not_calm(calm) -> None:
    calm.look("X")
    assert calm.watch.restless() == ("X",)
    assert calm.write(CALM_AT + 10) == ("X",)
    calm.look()
    assert calm.watch.restless() == ()
    calm.watch.disturb(["X", "unknown"])
    assert calm.write(CALM_AT + 20) == ("X",)


def test_a_circuit_that_comes_back_is_judged_when_that_is_decided(memory_store, tmp_path) -> None:
    bench = Bench(memory_store, tmp_path)
    bench.write(CALM_AT)
    bench.write(CALM_AT + 60, bgp_state=1)
    bench.write(CALM_AT + 100)
    bench.look()
    assert bench.polls(CALM_AT + 900) == [CALM_AT + 120, CALM_AT + 130]  # up again, and complete


def test_an_outage_is_judged_when_it_begins_is_decided_and_ends_and_not_in_between(calm) -> None:
    onset = CALM_AT
    told = calm.polls(onset + 1_500, bgp_state=1)
    # decided where samples are in; where they are complete; the verdict is another
    assert [at - onset for at in told] == [30, 70, 80]
    back = calm.at
    again = calm.polls(back + 900)
    # seen; up where samples are in; channels are good for long enough; up where all is complete
    assert [at - back for at in again] == [10, 30, 60, 70]


def test_an_outage_that_changes_its_channels_is_judged(calm) -> None:
    calm.polls(CALM_AT + 200, bgp_state=1)
    assert calm.write(CALM_AT + 210, bgp_state=1) == ()
    one_comes_back = Sample(
        channel="ch2", observed_at_us=(CALM_AT + 210) * US, sequence=9, latency_us=4_000
    )
    calm.at += 10
    assert calm.write(CALM_AT + 220, one_comes_back) == ("X",)


def test_an_outage_without_samples_is_judged(calm) -> None:
    calm.polls(CALM_AT + 200, bgp_state=1)
    calm.at += 20
    assert calm.write(CALM_AT + 300, bgp_state=1) == ("X",)


def test_a_channel_that_is_bad_all_along_leaves_its_circuit_alone(calm) -> None:
    def poll(at: int) -> tuple[str, ...]:
        one = Sample(channel="ch2", observed_at_us=at * US, sequence=3, bgp_state=1)
        good = Sample(channel="ch1", observed_at_us=at * US, sequence=3, latency_us=4_000)
        calm.at = at + 10
        return calm.write(at + 10, good, one)

    told = []
    for at in range(CALM_AT, CALM_AT + 600, 10):
        if poll(at):
            told.append(at - CALM_AT)
            calm.look("X", awaits=Awaits.CHANNELS)
    assert told[0] == 20, "of three cells"
    assert all(at <= 60 for at in told), "once it is bad for 60 s, nothing more is to be told"
    assert calm.write(CALM_AT + 610) == ("X",), "it is good again"


@pytest.mark.parametrize(
    ("awaits", "due"),
    [(Awaits.RECOVERY, ()), (Awaits.BURN, ()), (Awaits.RECOVERY | Awaits.BURN, ()),
     (Awaits.CHANNELS, ()), (Awaits.ANYTHING, ("X",)), (Awaits.BURN | Awaits.ANYTHING, ("X",))],
)  # fmt: skip
def test_what_alarms_wait_for_decides_whether_an_outage_is_left_alone(calm, awaits, due) -> None:
    calm.write(CALM_AT + 300, bgp_state=1)
    calm.look("X", awaits=awaits)
    assert calm.write(CALM_AT + 310, bgp_state=1) == due


def test_an_allowance_that_burned_is_looked_at_when_its_windows_are_empty(calm) -> None:
    calm.polls(CALM_AT + 60, bgp_state=1)
    back, told = calm.at, []
    while calm.at < back + 900:
        if calm.write(calm.at + 10):
            told.append(calm.at - back)
            calm.look("X", awaits=Awaits.BURN)
    assert [at for at in told if at > 100] == [340, *range(350, 901, 10)], (
        "five minutes after its end the short window is empty: then alarms are asked each time"
    )


def test_a_promise_about_outages_has_them_judged_all_the_time(memory_store, tmp_path) -> None:
    bench = Bench(memory_store, tmp_path, more="outages: {longest_seconds_max: 3600}")
    bench.write(CALM_AT)
    bench.write(CALM_AT + 300, bgp_state=1)
    bench.look()
    assert bench.write(CALM_AT + 310, bgp_state=1) == ("X",)


def test_a_circuit_that_has_ended_is_left_alone_once_its_months_are_final(
    memory_store: TelemetryStore, tmp_path: Path
) -> None:
    bench = Bench(memory_store, tmp_path, ends=CALM_AT)
    bench.write(CALM_AT)
    for seconds, due in ((120, ("X",)), (180, ("X",)), (240, ()), (300, ())):
        bench.at = CALM_AT  # its partition goes on without it
        confirmed = {partition_of("X"): (CALM_AT + seconds + 90) * US}
        bench.watch.note(bench.writer.write(poll_of([], caught_up_at_us=confirmed)).advance)
        assert bench.watch.due(memory_store.writer).judge == due
        bench.look()
