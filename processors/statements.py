"""Running the package's SQL over Arrow tables that are lent to DuckDB for one statement."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from linksla.sql import statement


@contextmanager
def lent(writer: duckdb.DuckDBPyConnection, tables: Mapping[str, object]) -> Iterator[None]:
    """Lend Arrow tables (or datasets) to a connection under these names."""
    for name, table in tables.items():
        writer.register(name, table)
    yield
    # Not in a finally: after a failed statement the transaction is void, and so are its views.
    for name in tables:
        writer.unregister(name)


def run(
    writer: duckdb.DuckDBPyConnection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    /,
    **tables: object,
) -> None:
    """Execute `sql/name.sql` over the tables."""
    with lent(writer, tables):
        writer.execute(statement("processors", name), parameters)


def read(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    /,
    **tables: object,
) -> pa.Table:
    """Execute `sql/name.sql` over the tables and return all of its result."""
    with lent(cursor, tables):
        return cursor.sql(statement("processors", name), params=parameters).to_arrow_table()
