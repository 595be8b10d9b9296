"""One read transaction for one question, or for all questions that make up a page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from linksla.stores import TelemetryStore


@dataclass(slots=True)
class Snapshot:
    """A cursor within a read transaction, and what was read by it already."""

    cursor: duckdb.DuckDBPyConnection
    memory: dict[object, object] = field(default_factory=dict)


class Snapshots:
    """Lends snapshots of a store; safe in any thread, each thread has its own."""

    def __init__(self, store: TelemetryStore) -> None:
        """Remember the store; nothing is read yet."""
        self._store = store
        self._held = threading.local()

    @contextmanager
    def one(self) -> Iterator[Snapshot]:
        """Lend the snapshot this thread holds, else a new one for as long as the block lasts.

        A statement that fails voids the transaction: what comes after it gets a fresh one, so that
        one panel's error is not the next one's.
        """
        held: Snapshot | None = getattr(self._held, "snapshot", None)
        if held is None:
            with self._begun() as snapshot:
                yield snapshot
            return
        try:
            yield held
        except duckdb.Error:
            held.cursor.execute("rollback")
            held.cursor.execute("begin")
            held.memory.clear()
            raise

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Answer all that this thread asks within the block from one snapshot."""
        if getattr(self._held, "snapshot", None) is not None:
            yield
            return
        with self._begun() as snapshot:
            self._held.snapshot = snapshot
            try:
                yield
            finally:
                self._held.snapshot = None

    @contextmanager
    def _begun(self) -> Iterator[Snapshot]:
        with self._store.snapshot() as cursor:
            yield Snapshot(cursor)
