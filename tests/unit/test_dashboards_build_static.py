"""Front-end packages: pinned, without addresses, and not fetched twice."""

import json
from pathlib import Path

import pytest

from dashboards import build_static
from dashboards.build_static import FILES, build
from linksla.errors import LinkslaError

PACKAGES = Path(build_static.__file__).parent


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a lock file, and an npm that puts something in every place."""
    (tmp_path / "package-lock.json").write_text("{}")
    runs = []

    def install(packages: Path) -> None:
        runs.append(packages)
        for source in FILES.values():
            file = packages / "node_modules" / source
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source)

    monkeypatch.setattr(build_static, "_install", install)
    return tmp_path, runs


def test_packages_are_copied_once(folder) -> None:
    packages, runs = folder
    vendor = packages / "vendor"

    assert build(packages, vendor) is True
    assert build(packages, vendor) is False
    assert len(runs) == 1
    assert (vendor / "uplot.js").read_text() == FILES["uplot.js"]


@pytest.mark.parametrize("change", ["lock", "file"])
def test_a_new_lock_or_a_missing_file_fetches_again(folder, change) -> None:
    packages, runs = folder
    build(packages, packages / "vendor")
    if change == "lock":
        (packages / "package-lock.json").write_text('{"new": 1}')
    else:
        (packages / "vendor" / "uplot.js").unlink()

    assert build(packages, packages / "vendor") is True
    assert len(runs) == 2


def test_npm_failing_says_what_to_do(tmp_path) -> None:
    (tmp_path / "package-lock.json").write_text("not a lock file")
    (tmp_path / "package.json").write_text("not a package")

    with pytest.raises(LinkslaError, match="npm ci failed") as caught:
        build(tmp_path, tmp_path / "vendor")
    assert caught.value.retryable


def test_the_lock_pins_hashes_and_names_no_address() -> None:
    lock = (PACKAGES / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]

    assert "resolved" not in lock
    assert all("integrity" in entry for name, entry in packages.items() if name)
    wanted = json.loads((PACKAGES / "package.json").read_text())["dependencies"]
    assert wanted == packages[""]["dependencies"]
    assert all(version[0].isdigit() for version in wanted.values())
