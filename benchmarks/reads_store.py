"""Fill a node's store with weeks of rollups, by SQL, in the layout that the housekeeper leaves.

All circuits have a healthy span a channel and day, blocks of the last days, and minutes of the last
hours (sorted by channel within each hour), which have no blocks yet. Blocks of all days are made
for the first circuits only; minutes of closed hours, which nobody reads while there are blocks, for
none: of 20,000 circuits they would fill 190 GB in 31 days. A sample every 10 s; an hour's latency
lies in 100 buckets.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.freshness import TOPIC
from benchmarks.producer import CHANNELS
from cli.configuration import load_configuration
from cli.wiring import telemetry_path
from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.stores import TelemetryStore
from processors.blocks import write_packs
from processors.ordering import SPANS_DAYS
from processors.packs import COLUMNS, PACK_SECONDS_MAX, Pack, place_of
from processors.transactions import transaction
from processors.writer import Writer

DAY_S = 86_400
HOUR_S = 3_600
MINUTE_S = 60
_AT_ONCE = 500  # circuits: of packs of 8 days 80 MB

_MINUTES = """
insert into rollup_parts
select channel_key, start_s, 6, 6, 6 * us, us - 900, us + 900, 0, 6, 6 * (us // 40), us // 10,
    6, 0, 0, 6, 6 * us::hugeint * 1000000, us * 1100000, 6, 6 * us::hugeint * 900000, us * 1000000,
    list_sort([
        latency_bucket(2500 + ((us + 331 * k) % 2000)::integer + 130 * k::integer)
        for k in range(6)
    ]),
    [1, 1, 1, 1, 1, 1]
from (
    select
        1 + rows.n // $minutes as channel_key,
        $from_s + rows.n % $minutes * 60 as start_s,
        3000 + hash(rows.n * 7 + $from_s) % 2000 as us
    from range($channels * $minutes) as rows(n)
)
"""

_SPANS = """
insert into spans
select channel_key, day, greatest(day * 86400, active_from_s),
    least((day + 1) * 86400, $to_s), 1, 0
from channels, range($first_day, $end_day) as days(day)
order by channel_key, day
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made: [start_s, end_s), rows of both tables, bytes of the file, seconds it took."""

    start_s: int
    end_s: int
    rows: int
    bytes: int
    seconds: float


def fill(
    folder: Path, *, start_s: int, end_s: int, whole_circuits: int, days: int, hours: int
) -> Filled:
    """Fill the store of a configuration whose circuits are active from `start_s`, to `end_s`.

    `whole_circuits` have blocks of all the time, all of them of `days`; minutes of `hours`.
    """
    began = time.perf_counter()
    configuration = load_configuration(folder)
    settings = configuration.settings
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    clock = SystemClock()
    Writer(store, configuration.inventory, TOPIC, settings.time, clock, Meters()).start()
    run = store.writer.execute
    ((channels,),) = run("select count(*) from channels").fetchall()
    recent_s = (end_s - hours * HOUR_S) // HOUR_S * HOUR_S
    first_s = -(-start_s // HOUR_S) * HOUR_S
    first_day = start_s // DAY_S
    while first_day * DAY_S < end_s:
        end_day = min(first_day // SPANS_DAYS * SPANS_DAYS + SPANS_DAYS, end_s // DAY_S + 1)
        if end_day * DAY_S > recent_s:  # days in order of channels, once eight of them are over
            end_day = first_day + 1
        run(_SPANS, {"first_day": first_day, "end_day": end_day, "to_s": end_s})
        first_day = end_day
    everyone_s = recent_s // DAY_S * DAY_S - (days - 1) * DAY_S
    whole = range(1, whole_circuits * CHANNELS + 1, CHANNELS)
    others = range(whole_circuits * CHANNELS + 1, channels + 1, CHANNELS)
    for from_s, to_s in _packed(first_s, recent_s):
        _blocks(store, whole, from_s, max(from_s, first_s), to_s)
        if to_s > everyone_s:
            _blocks(store, others, from_s, max(from_s, everyone_s), to_s)
    for lower in range(recent_s, end_s, HOUR_S):
        _minutes(store, channels, lower, min(lower + HOUR_S, end_s // MINUTE_S * MINUTE_S))
    for name in ("blocked_to_s", "compacted_3600_to_s", "compacted_300_to_s"):
        run("insert into housekeeping values ($name, $at)", {"name": name, "at": recent_s})
    ordered_s = recent_s // (SPANS_DAYS * DAY_S) * SPANS_DAYS * DAY_S
    run("insert into housekeeping values ('ordered_to_s', $at)", {"at": ordered_s})
    longest_s = recent_s // PACK_SECONDS_MAX * PACK_SECONDS_MAX
    run("insert into housekeeping values ('longest_packed_to_s', $at)", {"at": longest_s})
    for name in ("compacted_to_s", "days_packed_to_s"):
        day_s = recent_s // DAY_S * DAY_S
        run("insert into housekeeping values ($name, $at)", {"name": name, "at": day_s})
    ends = {"us": end_s * 1_000_000, "s": end_s}
    run("update channel_progress set observed_at_us_max = $us - 1, folded_to_s = $s", ends)
    run(
        "insert into offsets select $topic, n, 0, $us, $us from range(8) as partitions(n)",
        {"topic": TOPIC, "us": end_s * 1_000_000},
    )
    store.checkpoint()
    rows = sum(
        run(f"select count(*) from {table}").fetchall()[0][0]
        for table in ("rollup_parts", "rollup_packs")
    )
    store.close()
    size = telemetry_path(configuration).stat().st_size
    return Filled(start_s, end_s, rows, size, time.perf_counter() - began)


def _packed(first_s: int, recent_s: int) -> list[tuple[int, int]]:
    """Return where packs begin and end: the longest, then days, then hours up to `recent_s`."""
    longest_s = recent_s // PACK_SECONDS_MAX * PACK_SECONDS_MAX
    day_s = recent_s // DAY_S * DAY_S
    begins = first_s // PACK_SECONDS_MAX * PACK_SECONDS_MAX
    return [
        *((at, at + PACK_SECONDS_MAX) for at in range(begins, longest_s, PACK_SECONDS_MAX)),
        *((at, at + DAY_S) for at in range(longest_s, day_s, DAY_S)),
        *((at, at + HOUR_S) for at in range(day_s, recent_s, HOUR_S)),
    ]


def _blocks(
    store: TelemetryStore, circuits: Sequence[int], from_s: int, lower: int, upper: int
) -> None:
    """Write the blocks of [lower, upper) of circuits in packs that begin at `from_s`."""
    for some in np.array_split(circuits, max(len(circuits) // _AT_ONCE, 1)):
        packs = [(place_of(key, from_s), from_s, _pack(key, lower, upper)) for key in some.tolist()]
        with transaction(store.writer) as writer:
            write_packs(writer, packs)


def _pack(circuit_key: int, lower: int, upper: int) -> Pack:
    """Return hours of a circuit: 360 samples each, their latency in 100 buckets."""
    hours = np.arange(lower, upper, HOUR_S)
    start_s, key = (
        many.ravel()
        for many in np.meshgrid(hours, circuit_key + np.arange(CHANNELS), indexing="ij")
    )
    us = 3_000 + (key * 7_919 + start_s // HOUR_S * 104_729) % 2_000
    n, none = np.full(len(us), 360), np.zeros(len(us), np.int64)
    jitter, rx, tx = us // 40, us * 1_000_000, us * 900_000
    columns = {
        "channel_key": key, "start_s": start_s,
        "latency_count": n, "latency_sum_us": n * us, "latency_max_us": us + 900,
        "lost_count": none, "jitter_count": n, "jitter_sum_us": n * jitter,
        "jitter_max_us": us // 10, "loss_count": n, "loss_sum_ppm": none, "loss_max_ppm": none,
        "rx_count": n, "rx_sum_high": n * rx >> 32, "rx_sum_low": n * rx & 0xFFFFFFFF,
        "rx_max_bps": rx + rx // 10, "tx_count": n, "tx_sum_high": n * tx >> 32,
        "tx_sum_low": n * tx & 0xFFFFFFFF, "tx_max_bps": tx + tx // 10,
    }  # fmt: skip
    buckets = (600 + us % 64)[:, None] + np.arange(100)
    counts = np.full(buckets.shape, 3)
    counts[:, :3] = np.stack([us % 7 + 1, us % 11 + 1, us % 5 + 1], axis=1)
    return Pack(
        np.stack([columns[name] for name in COLUMNS]).astype(np.int64),
        np.stack([us / 40, none, rx, tx]).astype(np.float64),
        np.full(len(us), 100, np.int64),
        buckets.ravel().astype(np.int32),
        counts.ravel().astype(np.int64),
    )


def _minutes(store: TelemetryStore, channels: int, from_s: int, to_s: int) -> None:
    minutes = (to_s - from_s) // MINUTE_S
    range_ = {"channels": channels, "minutes": minutes, "from_s": from_s}
    store.writer.execute(_MINUTES, range_)
