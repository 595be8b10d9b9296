"""The nine top-level packages, no more and no fewer, and none that another project claims."""

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "linksla", "ingest", "processors", "sla", "alerts", "reports", "dashboards", "simulator", "cli",
}  # fmt: skip


def test_the_folders_with_an_init_are_the_nine_packages() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert folders - {"benchmarks"} == PACKAGES


def test_the_build_lists_the_nine_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["tool"]["setuptools"]["packages"]["find"]["include"]

    assert {name.rstrip("*") for name in listed} == PACKAGES
    assert set(project["tool"]["mypy"]["packages"]) == PACKAGES
    assert set(project["tool"]["importlinter"]["root_packages"]) == PACKAGES


def test_no_installed_distribution_or_standard_module_claims_a_name() -> None:
    claimed = packages_distributions()
    others = {name: claimed[name] for name in PACKAGES if set(claimed.get(name, [])) - {"linksla"}}

    assert others == {}
    assert set(sys.stdlib_module_names) & PACKAGES == set()


def test_every_locked_version_is_a_version_and_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().split("\n")

    assert [line for line in lines if line and line.count("==") != 1] == []
