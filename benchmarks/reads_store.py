"""Fill a node's store with weeks of rollups, by SQL, in the layout that the housekeeper leaves.

All circuits have a healthy span a channel and day, blocks of the last days, and minutes of the last
hours (sorted by channel within each hour), which have no blocks yet. Blocks of all days are made
for the first circuits only; minutes of closed hours, which nobody reads while there are blocks, for
none: of 20,000 circuits they would fill 190 GB in 31 days. A sample every 10 s; an hour's latency
lies in 100 buckets.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.freshness import TOPIC
from benchmarks.producer import CHANNELS
from cli.configuration import load_configuration
from cli.wiring import telemetry_path
from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.stores import TelemetryStore
from processors.writer import Writer

DAY_S = 86_400
HOUR_S = 3_600
MINUTE_S = 60

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

_BLOCKS = """
insert into rollup_blocks
select channel_key, start_s, 360, 360 * us, us + 900, 0,
    360, 360 * (us // 40), us // 10, us / 40.0, 360, 0, 0, 0.0,
    360, 360 * us::hugeint * 1000000, us * 1100000, us * 1e6,
    360, 360 * us::hugeint * 900000, us * 1000000, us * 9e5,
    range(600 + us % 64, 700 + us % 64)::integer[],
    list_resize([us % 7 + 1, us % 11, us % 5], 100, 3)
from (
    select
        1 + n % $channels as channel_key,
        $from_s + n // $channels * 3600 as start_s,
        3000 + (hash(n * 7 + $from_s) % 2000)::bigint as us
    from range($channels * $hours) as hours(n)
)
order by case when $ordered then channel_key end, start_s, channel_key
"""

_SPANS = """
insert into spans
select channel_key, $day, greatest($day * 86400, active_from_s),
    least(($day + 1) * 86400, $to_s), 1, 0
from channels
order by channel_key
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
    for day in range(start_s // DAY_S, end_s // DAY_S + 1):
        run(_SPANS, {"day": day, "to_s": end_s})
        lower, upper = max(day * DAY_S, first_s), min((day + 1) * DAY_S, recent_s)
        some = channels if upper > recent_s - days * DAY_S else whole_circuits * CHANNELS
        if lower < upper:
            asked = {"channels": some, "hours": (upper - lower) // HOUR_S, "from_s": lower}
            run(_BLOCKS, asked | {"ordered": (day + 1) * DAY_S <= recent_s})
    for lower in range(recent_s, end_s, HOUR_S):
        _minutes(store, channels, lower, min(lower + HOUR_S, end_s // MINUTE_S * MINUTE_S))
    for name in ("blocked_to_s", "compacted_3600_to_s", "compacted_300_to_s"):
        run("insert into housekeeping values ($name, $at)", {"name": name, "at": recent_s})
    for name in ("compacted_to_s", "blocks_ordered_to_s"):
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
        for table in ("rollup_parts", "rollup_blocks")
    )
    store.close()
    size = telemetry_path(configuration).stat().st_size
    return Filled(start_s, end_s, rows, size, time.perf_counter() - began)


def _minutes(store: TelemetryStore, channels: int, from_s: int, to_s: int) -> None:
    minutes = (to_s - from_s) // MINUTE_S
    range_ = {"channels": channels, "minutes": minutes, "from_s": from_s}
    store.writer.execute(_MINUTES, range_)
