"""A cursor that remembers what it was asked: the SQL behind an explanation, with its parameters."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

import duckdb

from linksla.sql import text_of

_PACKAGES = ("sla", "processors")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was run; `parameters` None: they are not this reader's to see."""

    name: str  # "sla/sql/availability_runs.sql"
    about: str  # the first line of its header
    sql: str
    parameters: Mapping[str, object] | None


class RecordedCursor:
    """Hands everything on to a cursor and keeps the statements of linksla's own SQL files.

    What is not one of those files (begin, an Arrow table that is lent) is not kept; the same
    statement with the same parameters is kept once.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.statements: list[Statement] = []

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This one, for whoever takes a DuckDB cursor."""
        return cast(duckdb.DuckDBPyConnection, self)

    def execute(
        self, sql: duckdb.Statement | str, parameters: Any = None
    ) -> duckdb.DuckDBPyConnection:
        """Execute, and remember."""
        self._keep(sql, parameters)
        return self._cursor.execute(sql, parameters)

    def sql(self, sql: duckdb.Statement | str, *, params: Any = None) -> duckdb.DuckDBPyRelation:
        """Make a relation, and remember."""
        self._keep(sql, params)
        return self._cursor.sql(sql, params=params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def _keep(self, sql: duckdb.Statement | str, parameters: Any) -> None:
        text = text_of(sql)
        name = _names().get(text)
        if name is None:
            return
        found = Statement(name, about(text), text, dict(parameters or {}))
        if found not in self.statements:
            self.statements.append(found)


def about(sql: str) -> str:
    """Return what a statement's header says first: up to its grain, or its first sentence."""
    lines = itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines())
    told = itertools.takewhile(
        lambda line: line and not line.startswith("Grain"),
        (line.removeprefix("--").strip() for line in lines),
    )
    return " ".join(told).split(". ")[0].rstrip(".") + "."


@cache
def _names() -> dict[str, str]:
    """Return the file of each statement, by its text."""
    return {
        item.read_text(encoding="utf-8"): f"{package}/sql/{item.name}"
        for package in _PACKAGES
        for item in files(package).joinpath("sql").iterdir()
        if item.name.endswith(".sql")
    }
