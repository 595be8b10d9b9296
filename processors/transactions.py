"""A transaction on the one writing connection: all of it, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

from linksla.errors import LinkslaError, StoreError

_DISK_HINT: Final = "Check free space and the disk, then start again: it resumes where it was."
_FAULT_HINT: Final = "This is a fault of linksla; report it with the log. A restart resumes."


@contextmanager
def transaction(
    writer: duckdb.DuckDBPyConnection, before_commit: Callable[[], None] = lambda: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Commit what the body wrote, or roll all of it back.

    Raises:
        StoreError: it was rolled back; the cause is chained.
    """
    try:
        writer.execute("begin")
        yield writer
        before_commit()
        writer.execute("commit")
    except BaseException as error:
        _roll_back(writer)
        if isinstance(error, LinkslaError) or not isinstance(error, Exception):
            raise
        raise StoreError(
            f"a write failed and was rolled back: {error}",
            where="telemetry.duckdb",
            hint=_DISK_HINT if isinstance(error, duckdb.Error | OSError) else _FAULT_HINT,
        ) from error


def _roll_back(writer: duckdb.DuckDBPyConnection) -> None:
    try:
        writer.execute("rollback")
    except duckdb.Error:
        return  # a fatal error has ended the transaction already; the node ends with the cause
