"""The style that is enforced: lengths, names, SQL without a clock."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "linksla", "ingest", "processors", "sla", "alerts", "reports", "dashboards", "simulator", "cli",
)  # fmt: skip
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STATEMENTS = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.sql"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_function_has_at_most_70_lines(path: Path) -> None:
    tree = ast.parse(path.read_text())
    long = [
        (node.name, node.end_lineno - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 70
    ]

    assert long == []


@pytest.mark.parametrize("path", STATEMENTS, ids=named)
def test_sql_starts_with_a_comment_and_reads_no_clock(path: Path) -> None:
    text = path.read_text()
    code = re.sub(r"--[^\n]*", "", text)

    assert text.startswith("--")
    assert not re.search(r"\b(now\s*\(|current_(timestamp|date|time)|localtimestamp)", code, re.I)


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "manager"}

    assert [named(path) for path in SOURCES if path.stem in vague] == []


def test_only_stores_opens_databases() -> None:
    opens = re.compile(r"duckdb\.connect\(|create_engine\(")
    found = {named(path) for path in SOURCES if opens.search(path.read_text())}

    assert found == {"linksla/stores.py", "linksla/decisions.py"}
