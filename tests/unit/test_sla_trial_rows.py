"""What a trial writes for a case: each row that a node would have written, in a store in memory."""

from pathlib import Path
from typing import Any

import pytest

from linksla.sql import statement
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from sla.trials import _circuit, _fill
from tests.unit.past_bench import DAY, JUNE
from tests.unit.trial_support import trial


@pytest.fixture
def filled(tmp_path: Path, memory_store: TelemetryStore) -> TelemetryStore:
    """Return a store with a case of two channels in the first five minutes of June."""
    one = trial(
        tmp_path,
        '{name: it, month: 2026-06, channels: {a: "G1 B2 ?1 G1", b: "?*"}, expect: {},'
        ' latency_ms: {a: "4.5x2 ?x1 9x2"}, loss: {a: "?x1 0.75x1"}, jitter_ms: {b: "1.5x1"},'
        ' rx_mbps: {b: "2x1"}, tx_mbps: {b: "3x1"}}',
    )
    case = one.cases[0]
    circuit = _circuit(one.circuit, case, JUNE)
    _fill(memory_store, case, circuit, (JUNE, JUNE + 300), JUNE + 600, one.path)
    return memory_store


def rows(store: TelemetryStore, sql: str) -> list[tuple[Any, ...]]:
    return store.writer.execute(sql).fetchall()


def test_channels_are_registered_and_complete_as_far_as_the_case(filled: TelemetryStore) -> None:
    partition = partition_of("trial")
    horizon_us = (JUNE + 600) * 1_000_000

    assert rows(filled, "from channels order by all") == [
        (1, "trial", "a", partition, 60, JUNE, None), (2, "trial", "b", partition, 60, JUNE, None)
    ]  # fmt: skip
    assert rows(filled, "from channel_progress order by all") == [
        (1, horizon_us, JUNE + 600), (2, horizon_us, JUNE + 600)
    ]  # fmt: skip
    assert rows(filled, "from offsets") == [
        ("link.samples", partition, 1, horizon_us, horizon_us)
    ]  # fmt: skip


def test_good_is_established_bad_is_not_and_both_lose_nothing(filled: TelemetryStore) -> None:
    day = JUNE // DAY

    assert rows(filled, "from spans order by all") == [
        (1, day, JUNE, JUNE + 60, 1, 0), (1, day, JUNE + 60, JUNE + 180, 2, 0),
        (1, day, JUNE + 240, JUNE + 300, 1, 0),
    ]  # fmt: skip


def test_measurements_are_in_the_units_of_the_store(filled: TelemetryStore) -> None:
    measured = rows(
        filled,
        "select channel_key, start_s - 1780272000, latency_sum_us, loss_sum_ppm, jitter_sum_us,"
        " rx_sum_bps, tx_sum_bps from rollup_parts where latency_count + loss_count + jitter_count"
        " + rx_count + tx_count > 0 order by all",
    )

    assert JUNE == 1_780_272_000
    assert measured == [
        (1, 0, 4_500, 0, 0, 0, 0), (1, 60, 0, 750_000, 0, 0, 0), (1, 60, 4_500, 0, 0, 0, 0),
        (1, 180, 9_000, 0, 0, 0, 0), (1, 240, 9_000, 0, 0, 0, 0),
        (2, 0, 0, 0, 0, 0, 3_000_000), (2, 0, 0, 0, 0, 2_000_000, 0), (2, 0, 0, 0, 1_500, 0, 0),
    ]  # fmt: skip


def test_each_step_is_one_observation_of_what_was_measured(memory_store: TelemetryStore) -> None:
    memory_store.writer.execute(
        statement("sla", "trial_rollups"),
        {
            "channel_key": 7, "step_s": 60, "from_s": [0, 120, 180, 240],
            "to_s": [120, 180, 240, 300],
            "latency_us": [100, None, None, 5], "jitter_us": [5, None, None, None],
            "loss_ppm": [7, 9, None, None], "rx_bps": [11, None, None, None],
            "tx_bps": [13, None, None, None],
        },
    )  # fmt: skip

    full = (1, 1, 100, 100, 100, 0, 1, 5, 5, 1, 7, 7, 1, 11, 11, 1, 13, 13, None, None)
    lost = (1, 0, 0, None, None, 1, 0, 0, None, 1, 9, 9, 0, 0, None, 0, 0, None, None, None)
    none = (1, 0, 0, None, None, 0, 0, 0, None, 0, 0, None, 0, 0, None, 0, 0, None, None, None)
    lone = (1, 1, 5, 5, 5, 0, 0, 0, None, 0, 0, None, 0, 0, None, 0, 0, None, None, None)
    assert rows(memory_store, "from rollup_parts order by start_s") == [
        (7, 0, *full), (7, 60, *full), (7, 120, *lost), (7, 180, *none), (7, 240, *lone)
    ]  # fmt: skip


def test_what_was_measured_is_counted_in_the_bucket_of_its_metric(
    memory_store: TelemetryStore,
) -> None:
    for key in (1, 2):
        memory_store.writer.execute(
            statement("sla", "trial_rollups"),
            {
                "channel_key": key, "step_s": 60, "from_s": [0, 60], "to_s": [60, 120],
                "latency_us": [10 * key, None], "jitter_us": [10 * key + 1, None],
                "loss_ppm": [10 * key + 2, 50 + key], "rx_bps": [10 * key + 3, None],
                "tx_bps": [10 * key + 4, 60 + key],
            },
        )  # fmt: skip
    memory_store.writer.execute(statement("sla", "trial_histogram"))

    counted = rows(
        memory_store,
        "select channel_key, start_s, latency_buckets, latency_counts from rollup_parts"
        " order by all",
    )
    ones = [1, 1, 1, 1, 1]
    assert counted == [
        (1, 0, [10, 4096 + 11, 8192 + 12, 12288 + 13, 16384 + 14], ones),
        (1, 60, [8192 + 51, 16384 + 61], [1, 1]),
        (2, 0, [20, 4096 + 21, 8192 + 22, 12288 + 23, 16384 + 24], ones),
        (2, 60, [8192 + 52, 16384 + 62], [1, 1]),
    ]


def test_evidence_is_cut_at_utc_days(memory_store: TelemetryStore) -> None:
    memory_store.writer.execute(
        statement("sla", "trial_spans"),
        {
            "channel_key": 3, "start_s": [DAY - 10, 3 * DAY, 5 * DAY + 7, 8 * DAY - 5],
            "end_s": [2 * DAY + 20, 4 * DAY, 5 * DAY + 9, 8 * DAY + 1], "bgp": [1, 2, 0, 1],
            "loss_class": [4, 0, 5, 0],
        },
    )  # fmt: skip

    assert rows(memory_store, "from spans order by all") == [
        (3, 0, DAY - 10, DAY, 1, 4), (3, 1, DAY, 2 * DAY, 1, 4),
        (3, 2, 2 * DAY, 2 * DAY + 20, 1, 4),
        (3, 3, 3 * DAY, 4 * DAY, 2, 0), (3, 5, 5 * DAY + 7, 5 * DAY + 9, 0, 5),
        (3, 7, 8 * DAY - 5, 8 * DAY, 1, 0), (3, 8, 8 * DAY, 8 * DAY + 1, 1, 0),
    ]  # fmt: skip
