"""What a circuit costs and how much it carries, from when on."""

from pathlib import Path

import pytest

from linksla.clock import parse_instant
from linksla.errors import ConfigError
from linksla.inventory import Circuit, load_inventory

INVENTORY = """\
customers: [{id: acme, name: Acme}]
circuits:
  - id: A
    owners: [{customer: acme}]
    contract: c
    site: s
    region: r
    bandwidth_mbps: 1000
    grid_seconds: 10
    active_from: 2026-01-01T00:00:00Z
    channels: [{name: ch1}]
    bandwidths: [{start: 2026-03-01T00:00:00Z, mbps: 5000}]
    prices:
      - {amount: 1500, currency: USD}
      - {start: 2026-02-01T00:00:00Z, amount: 1499.50, currency: USD}
"""


def circuit(folder: Path, text: str = INVENTORY) -> Circuit:
    path = folder / "inventory.yaml"
    path.write_text(text)
    return load_inventory(path).circuits["A"]


def test_the_price_and_the_bandwidth_in_force_change_at_their_instant(tmp_path: Path) -> None:
    found = circuit(tmp_path)
    february, march = (parse_instant(f"2026-{m}-01T00:00:00Z") for m in ("02", "03"))

    prices = [found.price_at(second) for second in (0, february - 1, february)]
    assert [price and price.amount for price in prices] == ["1500", "1500", "1499.50"]
    assert [found.bandwidth_at(second) for second in (0, march - 1, march)] == [1000, 1000, 5000]


def test_before_the_first_price_there_is_none(tmp_path: Path) -> None:
    text = INVENTORY.replace("      - {amount: 1500, currency: USD}\n", "")

    assert circuit(tmp_path, text).price_at(0) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("amount: 1499.50", "amount: 1e3", "a decimal number such as"),
        ("amount: 1499.50", "amount: -1", "a decimal number such as"),
        ("1499.50, currency: USD", "1499.50, currency: dollar", "three capital letters"),
        ("{start: 2026-02-01T00:00:00Z, amount", "{amount", "after the one before"),
        ("mbps: 5000", "mbps: 0", "greater than 0"),
        ("mbps: 5000", "mbits: 5000", "Did you mean 'mbps'"),
    ],
)
def test_a_history_that_makes_no_sense_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in INVENTORY

    with pytest.raises(ConfigError, match=said) as caught:
        circuit(tmp_path, INVENTORY.replace(old, new))
    assert "inventory.yaml:1" in caught.value.where
