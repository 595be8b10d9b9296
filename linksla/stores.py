"""The only place that opens telemetry.duckdb.

DuckDB has one writing process (DESIGN 4). Inside it, one connection writes; readers take a cursor,
materialise at once and give it back: a half-read result blocks checkpoints and grows the WAL.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from shutil import disk_usage
from typing import Final

import duckdb

from linksla.errors import StoreError

_MEMORY: Final = "512MB"
"""Of 2 GiB the node may use. Python, the broker client and the polls that wait take 0.6 to 1 GiB:
with 1 GB here 100 million samples took 2.3 GiB at the peak. The kernel caches the file besides."""
_WAL_BEFORE_CHECKPOINT: Final = "16MB"
"""What a checkpoint compresses at once, and a restart has to read again. With 64 MB a commit took
1.0 s at 100,000 samples/s when it brought one; with 12 to 24 MB 0.3 s, and no more in all. A
backlog's rows pass by the log: they fill row groups."""
_CHECKPOINT: Final = "checkpoint_threshold"
_NEVER: Final = "1TB"
_ROW_GROUP_ROWS: Final = 51_200
"""DuckDB's own 122,880 are more than the rollups of one commit of a backlog (55,000 to 90,000):
they went through the write-ahead log row by row, and each checkpoint compressed the last group of
every table again. Commits took a quarter of the writer's time, now a fourteenth. With 30,720 those
of 100,000 samples/s made groups of their own, and took longer. It must be a multiple of 2,048.
Groups of another size in older stores stay as they are."""
_MERGED_GROUPS_MAX: Final = 16
"""Row groups that are not full a checkpoint writes again as fewer full ones, by default up to 100
of them: the first behind a backlog took 0.6 s for 1.3 million rows, the first three behind 10
million 1.7 s each, all within a commit. Now each takes 0.25 to 0.46 s, and more of them do it."""
_NAME: Final = "telemetry"


class TelemetryStore:
    """telemetry.duckdb: what was measured and what follows from it."""

    def __init__(self, path: Path | None, *, read_only: bool = False, threads: int = 2) -> None:
        """Remember where the store is; `None` keeps it in memory. Nothing is opened yet."""
        self._path = path
        self._read_only = read_only
        self._threads = threads
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._idle_cursors: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()
        self._ending: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Open the file and bring its tables up to date.

        Raises:
            StoreError: another process holds it, it is damaged, or made by a newer linksla.
        """
        if self._path is not None and not self._read_only:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = self._opened()
        except duckdb.IOException as error:
            held = "lock" in str(error).lower()
            raise StoreError(
                "another process holds the database" if held else f"cannot be opened: {error}",
                where=str(self._path),
                hint="Ask the running node, or stop it first."
                if held
                else "Check the path, rights and free space; a backup can be restored.",
                retryable=held,
            ) from None
        self._connection = connection
        self._ending = ThreadPoolExecutor(1, thread_name_prefix="end of reads")
        if not self._read_only:
            _migrate(connection, str(self._path))

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """Return a connection that cannot be told to reach anything but the store."""
        connection = duckdb.connect(
            ":memory:",
            config={
                "threads": self._threads,
                "memory_limit": _MEMORY,
                _CHECKPOINT: _WAL_BEFORE_CHECKPOINT,
                "max_vacuum_tasks": _MERGED_GROUPS_MAX,
            },
        )
        if self._path is not None:
            # Attached, not connected to: only so can the size of row groups be said.
            where = str(self._path).replace("'", "''")
            how = f"row_group_size {_ROW_GROUP_ROWS}" + (", read_only" if self._read_only else "")
            connection.execute(f"set temp_directory = '{where}.tmp'")
            connection.execute(f"attach '{where}' as {_NAME} ({how})")
            connection.execute(f"use {_NAME}")
        connection.execute("set timezone = 'UTC'")
        connection.execute("set preserve_insertion_order = true")
        # No statement reaches a file but the database and its overflow (THREATS 13); Parquet is
        # read and written through Arrow.
        connection.execute("set enable_external_access = false")
        connection.execute(f"set allowed_configs = ['{_CHECKPOINT}']")
        connection.execute("set lock_configuration = true")
        return connection

    @property
    def path(self) -> Path | None:
        """Where the database lies; None: in memory."""
        return self._path

    @property
    def wal_bytes(self) -> int:
        """Size of the write-ahead log: what is committed and not yet in the database file."""
        if self._path is None:
            return 0
        wal = self._path.with_name(self._path.name + ".wal")
        return wal.stat().st_size if wal.exists() else 0

    def checkpoint(self) -> bool:
        """Bring the write-ahead log into the database file; False: not now, somebody is reading."""
        if self._ending is not None:
            self._ending.submit(lambda: None).result()  # who has read is reading no more
        try:
            self.writer.execute("checkpoint").fetchall()
        except duckdb.TransactionException:
            return False
        return True

    @contextmanager
    def checkpoint_waits(self) -> Iterator[None]:
        """Have commits within bring no checkpoint: the next one behind does, if it is due.

        For a short transaction between two long ones: judging wrote 0.1 MB and sometimes waited
        40 ms for what polls had left in the log.
        """
        self.writer.execute(f"set {_CHECKPOINT} = '{_NEVER}'")
        as_ever = f"set {_CHECKPOINT} = '{_WAL_BEFORE_CHECKPOINT}'"
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):  # what went wrong before is what is to be told
                self.writer.execute(as_ever)
            raise
        self.writer.execute(as_ever)

    def free_bytes(self) -> int | None:
        """Return the free space of the disk the database lies on; None: in memory."""
        return None if self._path is None else disk_usage(self._path.parent).free

    @property
    def writer(self) -> duckdb.DuckDBPyConnection:
        """The one connection that writes; only the writer thread touches it."""
        if self._connection is None:
            raise StoreError("the store is not started", where=str(self._path))
        return self._connection

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor of its own, safe in any thread. Fetch everything before giving it back."""
        cursor = self._lent()
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        self._given_back(cursor)

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor within a read transaction; safe in any thread, as `reader`.

        It is ended beside the reader, who has all there was: an end waits while the writer clears
        up behind its commit, up to 0.08 s at 100,000 samples/s.
        """
        cursor = self._lent()
        cursor.execute("begin")
        try:
            yield cursor
        finally:
            with self._lock:
                ending = self._ending
                if ending is not None:
                    ending.submit(self._end, cursor)
            if ending is None:  # closed meanwhile
                cursor.close()

    def _end(self, cursor: duckdb.DuckDBPyConnection) -> None:
        try:
            cursor.execute("rollback")
        except duckdb.Error:  # nothing of it is needed any more
            cursor.close()
        else:
            self._given_back(cursor)

    def _lent(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._idle_cursors.pop() if self._idle_cursors else self._cursor()

    def _given_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            self._idle_cursors.append(cursor)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self.writer.cursor()
        if self._path is not None:
            cursor.execute(f"use {_NAME}")
        return cursor

    def close(self) -> None:
        """Close all connections; what was committed stays."""
        with self._lock:
            ending, self._ending = self._ending, None
        if ending is not None:
            ending.shutdown()
        with self._lock:
            for cursor in self._idle_cursors:
                cursor.close()
            self._idle_cursors.clear()
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def parsed(text: str) -> list[duckdb.Statement]:
    """Return the statements of a text, for any connection of any store."""
    return _parser().extract_statements(text)


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Return a connection that runs nothing."""
    return duckdb.connect(":memory:", config={"threads": 1})


def _migrate(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    """Apply the numbered migrations that are still missing, each in its own transaction."""
    connection.execute("create table if not exists migrations (name varchar primary key)")
    done = {name for (name,) in connection.execute("select name from migrations").fetchall()}
    folder = files("linksla").joinpath("migrations", "telemetry")
    known = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda i: i.name
    )
    foreign = done - {item.name for item in known}
    if foreign:
        raise StoreError(
            f"was made by a newer linksla (has {', '.join(sorted(foreign))})",
            where=where,
            hint="Upgrade linksla.",
        )
    for item in known:
        if item.name in done:
            continue
        connection.execute("begin")
        connection.execute(item.read_text(encoding="utf-8"))
        connection.execute("insert into migrations values (?)", [item.name])
        connection.execute("commit")
