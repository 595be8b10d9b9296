"""Strict YAML: file, line, what is wrong, what to do."""

from fractions import Fraction
from pathlib import Path

import pytest
from pydantic.dataclasses import dataclass

from linksla.config import STRICT, load
from linksla.errors import ConfigError
from linksla.inventory import load_inventory
from linksla.settings import load_settings


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Inner:
    port: int
    name: str = "x"


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Outer:
    inner: Inner
    parts: tuple[Inner, ...] = ()
    share: str = "1"


def write(folder: Path, text: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), Outer)
    return caught.value


def test_a_good_file_becomes_a_frozen_value(tmp_path: Path) -> None:
    found = load(write(tmp_path, "inner: {port: 1}\nparts: [{port: 2, name: y}]\n"), Outer)

    assert found == Outer(inner=Inner(port=1), parts=(Inner(port=2, name="y"),))


def test_a_number_with_a_point_stays_exact(tmp_path: Path) -> None:
    found = load(write(tmp_path, "inner: {port: 1}\nshare: 99.99\n"), Outer)

    assert Fraction(found.share) == Fraction(9999, 100)


def test_an_unknown_key_names_line_and_nearest_key(tmp_path: Path) -> None:
    error = refused(tmp_path, "inner:\n  prot: 1\n  port: 2\n")

    assert error.where.endswith("a.yaml:2")
    assert "unknown key 'inner.prot'" in str(error)
    assert "Did you mean 'port'?" in str(error)


def test_a_wrong_value_in_a_list_names_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, "inner: {port: 1}\nparts:\n  - port: 1\n  - port: many\n")

    assert error.where.endswith("a.yaml:4")
    assert "'many'" in str(error)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert "'inner.port' is missing" in str(refused(tmp_path, "inner: {name: y}\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x\n", "aliases"),
        ("a: !!python/object:os.system x\n", "tags"),
        ("inner: {port: 1}\ninner: {port: 2}\n", "given twice"),
        ("inner: [1\n", "not YAML"),
        ("", "empty"),
        ("[" * 30 + "]" * 30, "deeper"),
        ("\x00", "not YAML"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in str(refused(tmp_path, text))


def test_an_alias_bomb_is_refused_before_it_is_walked(tmp_path: Path) -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )

    assert "aliases" in str(refused(tmp_path, bomb))


def test_a_missing_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.yaml", Outer)


def test_paths_in_the_settings_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "linksla.yaml"
    path.write_text("data: ../var\nweb: {port: 0}\n")

    assert load_settings(path).data == tmp_path.parent / "var"


INVENTORY = """
customers: [{id: acme, name: Acme}]
circuits:
  - id: DEN-1
    owners: [{customer: %s}]
    contract: c
    site: Denver
    region: us-west-2
    bandwidth_mbps: 1000
    grid_seconds: %s
    active_from: 2025-10-01T00:00:00Z
    channels: [{name: %s}]
"""


def test_an_inventory_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, INVENTORY % ("acme", 10, "ch1"))

    assert load_inventory(path).circuits["DEN-1"].active_from == 1_759_276_800


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("nobody", 10, "ch1"), "unknown customer 'nobody'"),
        (("acme", 7, "ch1"), "a grid is one of"),
        (("acme", 10, '"a\\u202eb"'), "control or bidirectional"),
        (("acme", 10, "ch1}, {name: ch1"), "a channel twice"),
    ],
)
def test_an_inventory_that_makes_no_sense_is_refused(
    tmp_path: Path, values: tuple[str, int, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_inventory(write(tmp_path, INVENTORY % values))


@pytest.mark.parametrize("grid", [1, 60, 120, 240, 3600, 86400])
def test_a_grid_that_divides_a_day_is_accepted(tmp_path: Path, grid: int) -> None:
    path = write(tmp_path, INVENTORY % ("acme", grid, "ch1"))

    assert load_inventory(path).circuits["DEN-1"].grid_seconds == grid
