"""Where a node stands, as numbers: what `linksla doctor` prints and `/metrics` adds to its own."""

import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from cli.configuration import Configuration
from cli.last_error import read_last_error
from linksla.clock import MICROSECONDS, Clock
from linksla.meters import Meters, broker_answers
from linksla.sql import statement
from linksla.stores import TelemetryStore
from sla.queries import Queries
from sla.scope import AllCustomers

THREADS: Final = ("consumer", "writer")
RATE_SECONDS_MIN: Final = 1.0


class Standing:
    """Reads stores and folders into gauges; safe in any thread."""

    def __init__(
        self,
        configuration: Configuration,
        store: TelemetryStore,
        queries: Queries,
        meters: Meters,
        clock: Clock,
    ) -> None:
        self._data = configuration.settings.data
        self._store = store
        self._queries = queries
        self._meters = meters
        self._clock = clock
        self._rate_from = (clock.monotonic_seconds(), 0.0)

    def update(self) -> None:
        """Bring the gauges up to date."""
        meters, now_us = self._meters, self._clock.now_us()
        for _, partition, next_offset, watermark_us in self.partitions():
            name = f"{partition}"
            meters.set("linksla_next_offset", next_offset, partition=name)
            if watermark_us is not None:
                behind = (now_us - watermark_us) / MICROSECONDS
                meters.set("linksla_watermark_lag_seconds", behind, partition=name)
                at_s = watermark_us / MICROSECONDS
                meters.set("linksla_watermark_timestamp_seconds", at_s, partition=name)
        for store, size in sizes(self._data).items():
            meters.set("linksla_store_bytes", size, store=store)
        alive = {thread.name for thread in threading.enumerate() if thread.is_alive()}
        for name in THREADS:
            meters.set("linksla_thread_alive", float(name in alive), thread=name)
        self._update_rate()

    def partitions(self) -> list[tuple[str, int, int, int | None]]:
        """Return topic, partition, next offset and watermark of each partition."""
        with self._store.reader() as cursor:
            return cursor.execute(statement("processors", "standing")).fetchall()

    def answer(self) -> dict[str, object]:
        """Return where everything stands, for `doctor`."""
        self.update()
        value, meters = self._meters.value, self._meters
        heard = broker_answers(meters)
        freshness = self._queries.freshness(AllCustomers(commercial=False), heard=heard)
        return {
            "complete_up_to_s": freshness.complete_up_to_s,
            "live_to_s": freshness.live_to_s,
            "circuits": freshness.circuits,
            "behind": list(freshness.behind),
            "overdue": dict(freshness.overdue),
            "broker_answers": heard,
            "partitions": [
                {
                    "topic": topic,
                    "partition": partition,
                    "next_offset": next_offset,
                    "lag_messages": value("linksla_ingest_partition_lag", partition=f"{partition}"),
                    "watermark_s": None if at is None else at // MICROSECONDS,
                }
                for topic, partition, next_offset, at in self.partitions()
            ],
            "samples_per_second": value("linksla_samples_per_second"),
            "rejects": self._rejects(),
            "queue_polls": value("linksla_queue_polls"),
            "commit_seconds": self._times("linksla_commit_seconds"),
            "evaluate_seconds": self._times("linksla_evaluate_seconds"),
            "sizes_bytes": sizes(self._data),
            "last_error": _error(self._data),
            "threads": {name: bool(value("linksla_thread_alive", thread=name)) for name in THREADS},
            "metrics": meters.exposition(),
        }

    def _rejects(self) -> dict[str, float]:
        found = self._meters.snapshot().items()
        return {
            dict(labels)["reason"]: number
            for (name, labels), number in found
            if name == "linksla_ingest_rejects_total"
        }

    def _times(self, name: str) -> Mapping[str, float | None]:
        return {"last": self._meters.last(name), "p99": self._meters.quantile(name, 0.99)}

    def _update_rate(self) -> None:
        now = self._clock.monotonic_seconds()
        count = self._meters.value("linksla_ingest_samples_total")
        since, before = self._rate_from
        if now - since >= RATE_SECONDS_MIN:
            self._meters.set("linksla_samples_per_second", (count - before) / (now - since))
            self._rate_from = (now, count)


def _error(data: Path) -> dict[str, object] | None:
    noted = read_last_error(data)
    return None if noted is None else asdict(noted)


def sizes(data: Path) -> dict[str, int]:
    """Return the bytes of each store under the data folder."""
    return {
        "database": _bytes_of(data, "telemetry.duckdb"),
        "wal": _bytes_of(data, "telemetry.duckdb.wal"),
        "parquet": _bytes_of(data, "**/*.parquet"),
        "decisions": _bytes_of(data, "decisions.sqlite*"),
    }


def _bytes_of(folder: Path, pattern: str) -> int:
    total = 0
    for path in folder.glob(pattern):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # moved or removed meanwhile
            continue
    return total
