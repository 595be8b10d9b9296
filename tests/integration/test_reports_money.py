"""Money and segments in the files of a report, and the version a month's report was issued as."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

from linksla.clock import ManualClock
from linksla.decisions import DecisionsStore, issued_versions, reports
from linksla.inventory import load_inventory
from linksla.settings import TimeSettings
from reports.build import ReportFiles, build_report
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

MONTH = "2025-10"
NOW_US = 1_764_720_000_000_000
ALL = AllCustomers(commercial=True)


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield store
    store.close()


@pytest.fixture
def queries(small_network, decisions) -> Queries:
    """The small network; DEN-1's price and bandwidth change on 16 October at local midnight."""
    path = small_network.folder / "inventory.yaml"
    later = "start: 2025-10-16T06:00:00Z"
    more = (
        f"prices: [{{amount: '2713.5', currency: USD}}, {{{later}, amount: 3000, currency: USD}}]\n"
        f"    bandwidths: [{{{later}, mbps: 20000}}]"
    )
    path.write_text(path.read_text().replace("mbps: 10000", f"mbps: 10000\n    {more}", 1))
    contract = small_network.folder / "contracts" / "last-mile.yaml"
    contract.write_text(contract.read_text() + "payout: {minimum_amount: 1, claim_within_days: 30}")
    return Queries(
        small_network.store,
        load_inventory(path),
        load_contracts(small_network.folder / "contracts"),
        load_maintenance(small_network.folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(NOW_US),
        issued=lambda: issued_versions(decisions.engine),
    )


@pytest.fixture
def files(queries, decisions, tmp_path: Path) -> ReportFiles:
    return build_report(queries, decisions, "acme", MONTH, tmp_path / "out", ManualClock(NOW_US))


def text_of(pdf: Path) -> str:
    document = pypdfium2.PdfDocument(pdf)
    pages = []
    for page in document:
        text = page.get_textpage()
        pages.append(text.get_text_bounded())
        text.close()
        page.close()
    document.close()
    return " ".join(" ".join(pages).split())


def test_the_pdf_prints_money_its_arithmetic_its_terms_and_the_segments(files) -> None:
    said = text_of(files.pdf)

    for text in (
        "4.83871 % · 131.30 USD",
        "10 % of 2,713.50 USD × 15/31 of the month = 131.30 USD, rounded once, half up",
        "lies in the band from 99 %",
        "charge; paid out when it is more than 1;",
        "To be claimed by 1 Dec 00:00:00 MST (2025-12-01T07:00:00Z)",
        "Segments: contract, price or bandwidth changed",
        "2713.50 USD", "3000.00 USD", "10 Gbps · acme", "20 Gbps · acme", "× 15/31", "× 16/31",
    ):  # fmt: skip
        assert text in said, text
    assert said.count("Segments: contract, price or bandwidth changed") == 1  # DEN-2 has one only


def test_the_tables_hold_money_and_segments(files) -> None:
    by_name = {path.name.split(".")[-2]: path for path in files.csv}
    tables = {
        name: list(csv.DictReader(io.StringIO(path.read_text()))) for name, path in by_name.items()
    }

    first, second, _ = tables["segments"]
    assert (first["price"], second["price"]) == ("2713.50 USD", "3000.00 USD")
    assert (first["bandwidth_mbps"], second["bandwidth_mbps"]) == ("10000", "20000")
    assert int(first["seconds"]) + int(second["seconds"]) == 2_678_400
    assert (first["owners"], first["verdict"], second["verdict"]) == ("acme", "breached", "met")
    circuit = tables["circuits"][0]
    assert (circuit["credit_amount"], circuit["credit_currency"]) == ("131.30", "USD")
    assert (circuit["credit_issued"], circuit["credit_claim_by"]) == (
        "true", "2025-12-01T07:00:00Z",
    )  # fmt: skip


def test_a_month_says_which_report_was_issued_of_it_and_none_while_it_is_a_draft(
    files, queries, decisions
) -> None:
    own = OnlyCustomers(frozenset({"acme"}))
    assert queries.month(own, "DEN-1", MONTH).report_version is None
    assert json.loads(files.json.read_bytes())["circuits"][0]["report_version"] == 1

    with decisions.engine.begin() as connection:
        connection.execute(reports.update().values(status="issued"))

    assert queries.month(own, "DEN-1", MONTH).report_version == 1
    assert [m.report_version for m in queries.customer_month(own, "acme", MONTH)] == [1, 1]
    assert queries.explain(ALL, "DEN-1", MONTH).answer.report_version == 1
    assert queries.month(ALL, "DEN-1", "2025-11").report_version is None
    assert queries.month(ALL, "LON-1", MONTH).report_version is None
