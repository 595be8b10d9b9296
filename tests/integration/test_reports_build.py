"""Reports of the small network, through the real queries: files, hashes, drafts, refusals."""

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
import sqlalchemy as sa

from linksla.clock import ManualClock
from linksla.decisions import DecisionsStore, audit, reports
from linksla.errors import UsageError
from linksla.inventory import Customer, Inventory, Ownership
from linksla.settings import TimeSettings
from reports.build import ReportFiles, build_report, file_stem
from reports.facts import gather
from sla.contracts import load_contracts
from sla.json import to_json
from sla.maintenance import load_maintenance
from sla.queries import Queries
from sla.scope import AllCustomers

MONTH = "2025-10"
NOW_US = 1_764_720_000_000_000  # 2025-12-03T00:00:00Z: what the small network is complete up to


def queries_of(network, inventory: Inventory) -> Queries:
    return Queries(
        network.store,
        inventory,
        load_contracts(network.folder / "contracts"),
        load_maintenance(network.folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(NOW_US),
    )


@pytest.fixture
def queries(small_network) -> Queries:
    return queries_of(small_network, small_network.inventory)


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield store
    store.close()


@pytest.fixture
def build(queries, decisions, tmp_path):
    def run(customer: str = "acme", month: str = MONTH, folder: str = "out") -> ReportFiles:
        clock = ManualClock(NOW_US)
        return build_report(queries, decisions, customer, month, tmp_path / folder, clock)

    return run


def text_of(pdf: Path) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = []
        for page in document:
            text = page.get_textpage()
            pages.append(text.get_text_bounded())
            text.close()
            page.close()
    finally:
        document.close()
    return re.sub(r"\s+", " ", " ".join(pages)).replace("\u200b", "")


def rows_of(files: ReportFiles, table: str) -> list[dict[str, str]]:
    (path,) = [path for path in files.csv if path.name.endswith(f".{table}.csv")]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def answers(queries: Queries, customer: str = "acme") -> list[dict]:
    found = queries.customer_month(AllCustomers(commercial=True), customer, MONTH)
    return [to_json(answer, commercial=True) for answer in found]


def drafts(decisions: DecisionsStore) -> list:
    with decisions.engine.connect() as connection:
        return connection.execute(sa.select(reports)).all()


def test_the_json_holds_exactly_what_the_api_answers(build, queries) -> None:
    document = json.loads(build().json.read_bytes())

    told = [{**answer, "report_version": 1} for answer in answers(queries)]
    assert document["circuits"] == json.loads(json.dumps(told))
    assert document["customer"] == {"id": "acme", "name": "Acme Corp"}


def test_the_csv_equals_the_api_number_by_number(build, queries) -> None:
    files = build()

    for row, answer in zip(rows_of(files, "circuits"), answers(queries), strict=True):
        assert row["circuit_id"] == answer["circuit_id"]
        for bucket, seconds in answer["seconds"].items():
            assert row[f"{bucket}_seconds"] == str(seconds)
        for bucket, seconds in answer["as_experienced_seconds"].items():
            assert row[f"as_experienced_{bucket}_seconds"] == str(seconds)
        assert row["period_seconds"] == str(answer["period"]["seconds"])
        assert row["availability_contractual_percent"] == answer["availability"]["contractual"]
        assert (
            row["availability_as_experienced_percent"] == (answer["availability"]["as_experienced"])
        )
        assert row["credit_percent"] == answer["credit"]["percent"]
        assert row["coverage_percent"] == answer["coverage"]
    outages = [outage for answer in answers(queries) for outage in answer["outages"]]
    assert [row["outage_id"] for row in rows_of(files, "outages")] == [o["id"] for o in outages]
    assert [row["down_seconds"] for row in rows_of(files, "outages")] == [
        str(o["down_seconds"]) for o in outages
    ]


def test_the_pdf_equals_the_api_number_by_number(build, queries) -> None:
    text = text_of(build().pdf)

    for answer in answers(queries):
        for seconds in (*answer["seconds"].values(), *answer["as_experienced_seconds"].values()):
            assert f"{seconds:,}" in text
        for percent in ("contractual", "as_experienced"):
            assert f"{answer['availability'][percent]} %" in text
        for objective in answer["objectives"]:
            assert objective["name"] in text
            assert str(objective["actual"]) in text
            assert " ".join(objective["reason"].split()) in text
        assert answer["credit"]["reason"] in text
        for outage in answer["outages"]:
            assert outage["id"] in text
            assert outage["start"] in text


def test_the_outage_of_300_seconds_is_printed_with_its_working(build) -> None:
    text = text_of(build().pdf)

    assert "2,678,100 / (2,678,100 + 300) = 99.98879 %, rounded down" in text
    assert "October: breached. 5 min 0 s down, 4 min 27 s allowed." in text
    assert re.search(r"CHG-7 circuit .* accepted 3,600", text)


def test_the_manifest_hashes_every_other_file_and_the_pdf_prints_the_json_s_hash(build) -> None:
    files = build()
    manifest = json.loads(files.manifest.read_bytes())

    assert set(manifest["files"]) == {path.name for path in files.all} - {files.manifest.name}
    for name, entry in manifest["files"].items():
        content = (files.manifest.parent / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    digest = hashlib.sha256(files.json.read_bytes()).hexdigest()
    assert digest == files.sha256 == manifest["report_sha256"]
    assert digest in text_of(files.pdf).replace(" ", "")


def test_building_twice_gives_equal_bytes_one_draft_and_one_line_of_audit(build, decisions) -> None:
    first, second = build(folder="first"), build(folder="second")

    for one, other in zip(first.all, second.all, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    (draft,) = drafts(decisions)
    assert (draft.status, draft.version, draft.sha256) == ("draft", 1, first.sha256)
    assert draft.content == first.json.read_bytes()
    with decisions.engine.connect() as connection:
        lines = connection.execute(sa.select(audit.c.action, audit.c.object)).all()
    assert lines == [("report.draft", first.report_id)]


def test_a_draft_of_other_content_replaces_the_last(build, decisions) -> None:
    first = build()
    with decisions.engine.begin() as connection:
        connection.execute(reports.update().values(sha256="old", created_at_us=1))

    build()

    (draft,) = drafts(decisions)
    assert (draft.sha256, draft.created_at_us) == (first.sha256, NOW_US)


def test_an_issued_report_is_never_replaced(build, decisions) -> None:
    issued = build()
    with decisions.engine.begin() as connection:
        connection.execute(reports.update().values(status="issued"))

    again = build()

    assert [(row.version, row.status) for row in drafts(decisions)] == [(1, "issued"), (2, "draft")]
    assert again.report_id != issued.report_id
    assert json.loads(again.json.read_bytes())["report_version"] == 2


def test_the_last_open_month_says_it_is_not_final(build) -> None:
    files = build(month="2025-12")

    assert not files.final
    assert "Month not final" in text_of(files.pdf)
    assert build().final


def test_each_customer_has_its_own_circuits_only(build) -> None:
    acme, globex = build("acme"), build("globex")

    assert [row["circuit_id"] for row in rows_of(acme, "circuits")] == ["DEN-1", "DEN-2"]
    assert [row["circuit_id"] for row in rows_of(globex, "circuits")] == ["LON-1"]
    assert "LON-1" not in text_of(acme.pdf) + acme.json.read_text()
    assert "DEN-" not in text_of(globex.pdf) + globex.json.read_text()


def test_a_circuit_that_changed_hands_is_reported_to_each_for_its_own_time(small_network) -> None:
    handover = 1_760_400_000  # 2025-10-14T00:00:00Z, after the outage of the 9th
    circuit = small_network.inventory.circuits["DEN-1"]
    owners = (
        Ownership(customer="acme", end=handover),
        Ownership(customer="globex", start=handover),
    )
    circuits = {"DEN-1": replace(circuit, owners=owners)}
    queries = queries_of(small_network, Inventory(small_network.inventory.customers, circuits))

    (before,) = gather(queries, "acme", MONTH).circuits
    (after,) = gather(queries, "globex", MONTH).circuits

    assert (before.answer.end_s, after.answer.start_s) == (handover, handover)
    assert (before.answer.seconds.down, after.answer.seconds.down) == (300, 0)
    assert max(run.end_s for run in before.tape.circuit) == handover
    assert min(run.start_s for run in after.tape.circuit) == handover


def test_a_day_without_samples_is_unmeasured_in_print(build) -> None:
    files = build("globex")

    (row,) = rows_of(files, "circuits")
    assert row["unmeasured_seconds"] == "86400"
    assert "86,400 24:00:00" in text_of(files.pdf)


def test_only_ledger_lines_of_the_months_days_are_printed(small_network, build) -> None:
    first_day = 1_759_276_800 // 86_400  # 2025-10-01
    for day, count in ((first_day - 1, 1), (first_day, 20), (first_day + 31, 300), (None, 4000)):
        small_network.store.writer.execute(
            "insert into ledger (kind, circuit_id, channel, day, count, detail)"
            " values ('late', 'DEN-1', 'ch1', ?, ?, '')",
            [day, count],
        )

    files = build()

    # October in Denver ends at 06:00Z on 1 November: that day is touched, 30 September is not.
    assert [row["count"] for row in rows_of(files, "ledger")] == ["20", "300"]
    assert "in the ledger: 320 late." in text_of(files.pdf)


def test_an_unknown_customer_is_told_who_there_is(build) -> None:
    with pytest.raises(UsageError, match="no customer 'initech'") as caught:
        build("initech")

    assert "acme, globex" in caught.value.hint


def test_an_unknown_month_is_told_which_there_are(build) -> None:
    with pytest.raises(UsageError, match="nothing measured in 2024-01") as caught:
        build(month="2024-01")

    assert "2025-10, 2025-11" in caught.value.hint


@pytest.mark.parametrize("month", ["2025-13", "October", "2025-1", "../../etc", ""])
def test_what_is_no_month_is_refused(build, month: str) -> None:
    with pytest.raises(UsageError, match="is not a month"):
        build(month=month)


def test_a_folder_that_cannot_be_is_said(build, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(UsageError, match="cannot be written"):
        build(folder="file")


def test_a_hostile_customer_stays_inside_the_folder(small_network, decisions, tmp_path) -> None:
    name = "../../acme*$#let /"
    customers = {name: Customer(id=name, name=name)}
    circuits = {
        "DEN-1": _owned_by(small_network.inventory.circuits["DEN-1"], name),
    }
    queries = queries_of(small_network, Inventory(customers, circuits))

    files = build_report(queries, decisions, name, MONTH, tmp_path / "out", ManualClock(NOW_US))

    assert {path.parent for path in files.all} == {tmp_path / "out"}
    assert all(path.is_file() for path in files.all)
    assert name in text_of(files.pdf)


def _owned_by(circuit, customer: str):
    return replace(circuit, owners=(replace(circuit.owners[0], customer=customer),))


@pytest.mark.parametrize(
    "name", ["../x", ".hidden", "a/b", "a\\b", "é", "a b", "-rf", "", "x" * 90]
)
def test_a_file_stem_is_one_plain_segment(name: str) -> None:
    stem = file_stem(name)

    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*-[0-9a-f]{8}", stem)


def test_file_stems_are_plain_for_plain_ids_and_differ_for_different_ones() -> None:
    names = ["acme", "a/b", "a_b", "a\\b", "../a", "./a"]

    assert file_stem("acme") == "acme"
    assert len({file_stem(name) for name in names}) == len(names)
