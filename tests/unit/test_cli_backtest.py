"""`linksla backtest`: what months would have been under another contract; nothing is written."""

import asyncio
import hashlib
import json
from pathlib import Path

import httpx
import pytest

from cli.control import create_control_app
from cli.main import main
from linksla.clock import ManualClock
from linksla.decisions import DecisionsStore
from linksla.inventory import load_inventory
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance
from sla.queries import Queries

OTHER = """\
id: other
version: 1
title: By the second
source: here
timezone: America/Denver
availability: {target_percent: 99.9, up_at_least: 1, consecutive: 10}
credit: {basis: cumulative_down_seconds, bands: [[0, 0], [300, 25]]}
"""


@pytest.fixture
def network(small_network, tmp_path: Path):
    """Return the small network with prices, its store in a file that nobody holds."""
    inventory = small_network.folder / "inventory.yaml"
    priced = "bandwidth_mbps: 10000\n    prices: [{amount: 2000, currency: USD}]"
    inventory.write_text(inventory.read_text().replace("bandwidth_mbps: 10000", priced))
    (small_network.folder / "linksla.yaml").write_text("data: var\n")
    on_disk = TelemetryStore(small_network.folder / "var" / "telemetry.duckdb")
    on_disk.start()
    for table in (
        "channels", "channel_progress", "offsets", "spans", "rollup_parts",
    ):  # fmt: skip
        rows = small_network.store.writer.sql(f"from {table}").to_arrow_table()
        on_disk.writer.register("rows_of", rows)
        on_disk.writer.execute(f"insert into {table} from rows_of")
        on_disk.writer.unregister("rows_of")
    on_disk.close()
    (tmp_path / "other.yaml").write_text(OTHER)
    return small_network


def backtest(network, tmp_path: Path, *more: str) -> int:
    return main(
        [
            "backtest", "--contract", str(tmp_path / "other.yaml"), "--config",
            str(network.folder), "--from", "2025-10", "--to", "2025-11", *more,
        ]
    )  # fmt: skip


def test_each_circuit_and_month_stands_beside_what_it_is(
    network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(network, tmp_path, "--json") == 0

    found = json.loads(capsys.readouterr().out)
    rows = {(row["circuit_id"], row["month"]): row for row in found["circuits"]}
    row = rows["DEN-1", "2025-10"]
    assert len(rows) == 6
    assert (row["now"]["verdict"], row["other"]["verdict"]) == ("breached", "met")
    assert (row["now"]["credit_percent"], row["other"]["credit_percent"]) == ("10", "25")
    assert row["now"]["down_seconds"] == row["other"]["down_seconds"] == 300
    assert row["difference"]["credit_percent"] == "15"
    assert row["difference"]["credit"] == {"amount": "300.00", "currency": "USD"}
    assert found["totals"] == {"USD": "300.00"}
    assert rows["DEN-1", "2025-11"]["difference"]["credit"] == {"amount": "0", "currency": ""}


def test_the_table_says_the_same_and_a_circuit_can_be_chosen(
    network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(network, tmp_path, "--circuit", "DEN-1") == 0

    said = capsys.readouterr().out
    assert "breached -> met" in said
    assert "10 -> 25" in said
    assert "in all 300.00 USD" in said
    assert "DEN-2" not in said


def test_nothing_is_written(network, tmp_path: Path) -> None:
    def contents() -> dict[str, str]:
        files = sorted(p for p in network.folder.rglob("*") if p.is_file())
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    before = contents()
    backtest(network, tmp_path)

    assert contents() == before


def test_a_circuit_with_too_few_channels_is_skipped_and_said(
    network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.yaml").write_text(OTHER.replace("up_at_least: 1", "up_at_least: 2"))

    assert backtest(network, tmp_path) == 0
    assert "skipped LON-1: has 1 channels, the contract needs 2" in capsys.readouterr().out


def test_months_without_data_are_said_to_be_unknown(
    network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(network, tmp_path, "--from", "2024-01", "--to", "2024-02") == 0
    assert "nothing of these months is known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--to", "2025-13"), "is not a month"),
        (("--to", "2025-09"), "comes before"),
        (("--circuit", "PAR-1"), "there is no circuit 'PAR-1'"),
        (("--contract", "none.yaml"), "cannot be read"),
    ],
)
def test_what_is_not_there_is_wrong_use(
    network, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert backtest(network, tmp_path, *more) == 2
    assert said in capsys.readouterr().err


def test_a_running_node_answers_the_same(
    network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backtest(network, tmp_path, "--json")
    alone = json.loads(capsys.readouterr().out)
    queries = Queries(
        network.store,
        load_inventory(network.folder / "inventory.yaml"),
        load_contracts(network.folder / "contracts"),
        load_maintenance(network.folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(0),
    )
    app = create_control_app(queries, DecisionsStore(tmp_path / "d"), ManualClock(0), Meters())
    body = {
        "contract": str(tmp_path / "other.yaml"), "first": "2025-10", "last": "2025-11",
        "circuits": [],
    }  # fmt: skip

    async def ask() -> object:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as node:
            return (await node.post("/backtest", json=body)).json()

    assert asyncio.run(ask()) == alone
