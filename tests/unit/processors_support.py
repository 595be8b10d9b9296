"""Builders for polls, and the slow, obvious reference the writer is held against."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from linksla.clock import ManualClock
from linksla.inventory import Channel, Circuit, Inventory, Ownership
from linksla.meters import Meters
from linksla.model import LOSS_LADDER_PPM, SAMPLE_SCHEMA, Poll, Reject
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.packs import packs_of
from processors.runs import LOSS_CLASS_UNKNOWN, Runs
from processors.sample_files import SampleFiles
from processors.seen import seen_of
from processors.tables import stands
from processors.writer import Writer

US = 1_000_000
DAY = 86_400
MIDNIGHT = 1_760_054_400  # 2025-10-10T00:00:00Z
TOPIC = "link.samples"


@dataclass(frozen=True)
class Sample:
    circuit_id: str = "X"
    channel: str = "ch1"
    sequence: int = 0
    observed_at_us: int = MIDNIGHT * US
    interval_us: int = 10 * US
    latency_us: int | None = None
    jitter_us: int | None = None
    loss_ppm: int | None = 0
    rx_bps: int | None = None
    tx_bps: int | None = None
    bgp_state: int = 6
    bgp_transitions: int | None = None
    probe: str | None = None
    partition: int = -1
    offset: int = 0
    index_in_message: int = 0
    append_time_us: int = -1  # numbered() fills it in: a second after it was observed

    @property
    def key(self) -> tuple[str, str, int]:
        return self.circuit_id, self.channel, self.observed_at_us

    @property
    def content(self) -> str:
        measured = (
            self.interval_us, self.latency_us, self.jitter_us, self.loss_ppm, self.rx_bps,
            self.tx_bps, self.bgp_state, self.bgp_transitions,
        )  # fmt: skip
        text = "|".join("" if value is None else str(value) for value in measured)
        text += f"|{'true' if self.probe is None else 'false'}|{self.probe or ''}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def at(second: float, **fields: Any) -> Sample:
    """Return a sample observed `second` seconds after MIDNIGHT."""
    return replace(Sample(observed_at_us=round((MIDNIGHT + second) * US)), **fields)


def circuit(
    circuit_id: str = "X",
    grid: int = 10,
    channels: Sequence[str] = ("ch1",),
    active_from: int = MIDNIGHT - 5 * DAY,
    active_to: int | None = None,
) -> Circuit:
    return Circuit(
        id=circuit_id,
        owners=(Ownership(customer="acme"),),
        contract="c",
        site="s",
        region="r",
        bandwidth_mbps=1000,
        grid_seconds=grid,
        channels=tuple(Channel(name=name) for name in channels),
        active_from=active_from,
        active_to=active_to,
    )


def inventory(*circuits: Circuit) -> Inventory:
    return Inventory({}, {one.id: one for one in circuits})


def writer_of(
    store: TelemetryStore,
    *circuits: Circuit,
    kind: type[Writer] = Writer,
    files: SampleFiles | None = None,
    **time: int,
) -> Writer:
    """Return a started writer."""
    settings = TimeSettings(**{f"{name}_seconds": seconds for name, seconds in time.items()})
    writer = kind(
        store, inventory(*circuits), TOPIC, settings, ManualClock(), Meters(), files=files
    )
    writer.start()
    return writer


def numbered(samples: Iterable[Sample], first_offset: int = 0) -> list[Sample]:
    """Return samples with their circuit's partition and offsets in order."""
    return [
        replace(
            sample,
            partition=partition_of(sample.circuit_id) if sample.partition < 0 else sample.partition,
            offset=first_offset + number,
            append_time_us=sample.observed_at_us + US
            if sample.append_time_us < 0
            else sample.append_time_us,
        )
        for number, sample in enumerate(samples)
    ]


def poll_of(
    samples: Sequence[Sample],
    rejects: Sequence[Reject] = (),
    caught_up_at_us: dict[int, int] | None = None,
    next_offsets: dict[int, int] | None = None,
    **fields: Any,
) -> Poll:
    """Return a poll of samples that carry partition and offset."""
    table = pa.Table.from_pylist([asdict(sample) for sample in samples], schema=SAMPLE_SCHEMA)
    offsets = {sample.partition: sample.offset + 1 for sample in samples}
    offsets |= next_offsets or {}
    return Poll(TOPIC, table, tuple(rejects), offsets, caught_up_at_us or {}, **fields)


def idle_poll(partitions: Iterable[int], second: int) -> Poll:
    """Return an empty poll that moves watermarks of silent partitions to MIDNIGHT + second."""
    waits = 90  # idle_after 60 s and allowed_lateness 30 s
    confirmed = (MIDNIGHT + second + waits) * US
    return poll_of([], caught_up_at_us=dict.fromkeys(partitions, confirmed))


def watermark_to(writer: Writer, second: int) -> None:
    """Let all partitions be silent until the watermark is at MIDNIGHT + second: steps are over."""
    writer.write(idle_poll(range(8), second))


# --- the reference: sample by sample, cell by cell, written from DESIGN 6 and 7.7 -----------------

Span = tuple[str, str, int, int, int, int | None]
Cell = tuple[int, int | None]


def winners(samples: Iterable[Sample]) -> dict[tuple[str, str, int], Sample]:
    """Return the winner of each key: highest sequence, then smallest hash of content."""
    best: dict[tuple[str, str, int], Sample] = {}
    for sample in samples:
        now = best.get(sample.key)
        if now is None or (-sample.sequence, sample.content) < (-now.sequence, now.content):
            best[sample.key] = sample
    return best


def loss(sample: Sample) -> int | None:
    if sample.loss_ppm is None and sample.latency_us is not None:
        return 0
    return sample.loss_ppm


def evidence(samples: Sequence[Sample]) -> Cell:
    """Return BGP class and loss class of the samples of a cell."""
    states = {sample.bgp_state for sample in samples} - {0}
    bgp = 0 if not states else 1 if states == {6} else 2
    losses = [value for value in map(loss, samples) if value is not None]
    if not losses:
        return bgp, None
    mean_at_most = (
        number for number, step in enumerate(LOSS_LADDER_PPM) if sum(losses) <= step * len(losses)
    )
    return bgp, next(mean_at_most)


def cell_evidence(samples: Sequence[Sample], start_s: int, grid: int) -> Cell:
    """Return what one channel's samples, in time order, say about one cell."""
    start, end = start_s * US, (start_s + grid) * US
    own = [sample for sample in samples if start <= sample.observed_at_us < end]
    if own:
        return evidence(own)
    middle = start + grid * US // 2
    holding = [
        sample
        for sample in samples
        if sample.observed_at_us < start
        and sample.observed_at_us <= middle < sample.observed_at_us + sample.interval_us
    ]
    return evidence(holding[-1:]) if holding else (0, None)


def reference_spans(samples: Iterable[Sample], one: Circuit, from_s: int, to_s: int) -> list[Span]:
    """Return the spans of a circuit's cells in [from_s, to_s)."""
    spans: list[Span] = []
    kept = sorted(winners(samples).values(), key=lambda sample: sample.observed_at_us)
    for channel in one.channels:
        own = [s for s in kept if (s.circuit_id, s.channel) == (one.id, channel.name)]
        for start in range(from_s, to_s, one.grid_seconds):
            bgp, loss_class = cell_evidence(own, start, one.grid_seconds)
            if bgp == 0 and loss_class is None:
                continue
            last = spans[-1] if spans else None
            same = last is not None and last[:2] == (one.id, channel.name)
            if same and last[3:] == (start, bgp, loss_class) and start % DAY:
                spans[-1] = (*last[:3], start + one.grid_seconds, bgp, loss_class)
            else:
                end = start + one.grid_seconds
                spans.append((one.id, channel.name, start, end, bgp, loss_class))
    return spans


Block = tuple[int, int, tuple[int | float, ...], tuple[tuple[int, int], ...]]
"""Channel key, hour, the other columns, and the counts of buckets."""


def placed_blocks(store: TelemetryStore) -> list[tuple[int, Block]]:
    """Return all blocks in order, each with where its pack begins."""
    found = store.writer.sql("select place, from_s, size, content from rollup_packs")
    blocks = []
    for _, from_s, pack in packs_of(found.to_arrow_table()):
        for row in pack.cut(np.arange(len(pack))):
            key, start_s, *rest = (int(value) for value in row.whole[:, 0])
            lows = [-1.0 if np.isnan(low) else float(low) for low in row.lows[:, 0]]
            counts = tuple(zip(row.bucket.tolist(), row.count.tolist(), strict=True))
            blocks.append((from_s, (key, start_s, (*rest, *lows), counts)))
    return sorted(blocks, key=lambda placed: placed[1])


def blocks_in(store: TelemetryStore) -> list[Block]:
    """Return all blocks in order, wherever they lie."""
    return [block for _, block in placed_blocks(store)]


def spans_of(runs: Runs) -> list[tuple[int, int, int, int, int | None]]:
    """Return runs as rows of the table of spans: key, start, end, bgp, loss class."""
    columns = (runs.track, runs.start_s, runs.end_s, runs.bgp, runs.loss_class)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(*rest, None if loss == LOSS_CLASS_UNKNOWN else loss) for *rest, loss in rows]


def stored_spans(store: TelemetryStore) -> list[Span]:
    """Return the table of spans with names for keys, in order; days are checked on the way."""
    rows = store.writer.execute(
        """
        select c.circuit_id, c.channel, s.start_s, s.end_s, s.bgp, s.loss_class
        from spans s join channels c using (channel_key)
        where s.day = s.start_s // 86400 and (s.end_s - 1) // 86400 = s.day
        order by all
        """
    ).fetchall()
    (count,) = store.writer.execute("select count(*) from spans").fetchone()
    assert count == len(rows)
    return rows


def as_before_stands(store: TelemetryStore) -> None:
    """Give the store the tables of 0010: how far channels are lay in channel_progress, exactly."""
    found = stands(store.writer)
    seen = seen_of(store.writer, found.channel_key)
    exact = pa.table({"key": found.channel_key, "seen": seen, "folded": found.tracks.from_s})
    store.writer.register("exact", exact)
    store.writer.execute(
        "update channel_progress set folded_to_s = folded, "
        "observed_at_us_max = greatest(observed_at_us_max, seen) "
        "from exact where channel_key = key"
    )
    store.writer.unregister("exact")
    store.writer.execute("drop view channel_stands")
    store.writer.execute("drop table channel_seen")
    store.writer.execute("drop table followed_topic")
    store.writer.execute("delete from migrations where name = '0011_stands.sql'")


def table_of(store: TelemetryStore, name: str) -> list[tuple[Any, ...]]:
    return store.writer.execute(f"select * from {name} order by all").fetchall()
