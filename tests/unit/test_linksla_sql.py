"""Statements are parsed once, are what their files say, and run anywhere."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from linksla import sql
from linksla.sql import statement, text_of

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("*/sql/*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_file_holds_one_statement_under_a_header(path: Path) -> None:
    parsed = statement(path.parts[-3], path.stem)

    assert text_of(parsed) == path.read_text()
    assert text_of(parsed).startswith("-- ")
    assert statement(path.parts[-3], path.stem) is parsed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that statements of every package are read from."""
    monkeypatch.setattr(sql, "files", lambda _package: tmp_path)
    (tmp_path / "sql").mkdir()
    return tmp_path / "sql"


def test_a_file_of_two_statements_is_refused(folder: Path) -> None:
    (folder / "two.sql").write_text("select 1; select 2")

    with pytest.raises(ValueError, match=r"package/sql/two.sql holds 2 statements, not one"):
        statement("package", "two")


def test_a_text_is_its_own() -> None:
    assert text_of("select 1 -- as it is") == "select 1 -- as it is"


def test_threads_that_ask_at_once_get_the_same(folder: Path) -> None:
    (folder / "asked.sql").write_text("-- asked\nselect 7")
    start = threading.Barrier(8)

    def ask(_: int) -> duckdb.Statement:
        start.wait(10)
        return statement("nobody", "asked")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))

    assert len({id(one) for one in found}) == 1
    assert text_of(found[0]) == "-- asked\nselect 7"


def test_one_statement_runs_on_many_connections_at_once() -> None:
    stores = []
    for number in range(4):
        stores.append(duckdb.connect(":memory:"))
        stores[-1].execute("create table verdict_history as select 1 from range($n)", {"n": number})

    def count(number: int) -> list[int]:
        cursor = stores[number % 4].cursor()
        asked = statement("sla", "verdict_count")
        return [cursor.execute(asked).fetchall()[0][0] for _ in range(200)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(count, range(8)))
    for store in stores:
        store.close()

    assert found == [[number % 4] * 200 for number in range(8)]
