"""SQL texts, one statement a file, beside the package that owns them."""

import threading
from importlib.resources import files
from typing import Final

import duckdb

from linksla.stores import parsed

_parsing: Final = threading.Lock()
_parsed: Final[dict[tuple[str, str], duckdb.Statement]] = {}
_texts: Final[dict[int, str]] = {}  # by id: what is parsed stays as long as the process


def statement(package: str, name: str) -> duckdb.Statement:
    """Return `package/sql/name.sql` parsed, which took 0.1 to 0.7 ms each time a text was run.

    It may run on any connection and in any thread. A page runs some 20, a commit 30.

    Raises:
        ValueError: the file does not hold one statement.
    """
    found = _parsed.get((package, name))
    if found is None:
        with _parsing:
            found = _parsed.get((package, name)) or _parse(package, name)
    return found


def text_of(statement: duckdb.Statement | str) -> str:
    """Return a statement as its file has it: what was parsed has lost its header."""
    if isinstance(statement, str):
        return statement
    return _texts.get(id(statement), statement.query)


def _parse(package: str, name: str) -> duckdb.Statement:
    text = files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    found = parsed(text)
    if len(found) != 1:
        raise ValueError(f"{package}/sql/{name}.sql holds {len(found)} statements, not one")
    _parsed[package, name] = found[0]
    _texts[id(found[0])] = text
    return found[0]
