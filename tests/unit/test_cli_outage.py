"""`linksla outage` beside a node that does not run, and windows and words that people enter."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.configuration import load_configuration
from cli.main import main
from cli.network import Network, touched
from linksla.clock import parse_instant
from linksla.decisions import DecisionsStore
from linksla.errors import UsageError
from linksla.stores import TelemetryStore
from sla.desk import decide_window, propose_window
from sla.outages import outage_id

CUT = parse_instant("2025-10-09T09:11:00Z")
OUTAGE = outage_id("DEN-1", CUT)
NOW_US = parse_instant("2025-12-03T00:00:00Z") * 1_000_000


@pytest.fixture
def folder(small_network) -> Path:
    """Return the small network's configuration, its store in a file that nobody holds."""
    (small_network.folder / "linksla.yaml").write_text("data: var\n")
    contract = small_network.folder / "contracts" / "last-mile.yaml"
    contract.write_text(contract.read_text() + "exclusions: {customer: true}\n")
    on_disk = TelemetryStore(small_network.folder / "var" / "telemetry.duckdb")
    on_disk.start()
    for table in ("channels", "channel_progress", "offsets", "spans"):
        rows = small_network.store.writer.sql(f"from {table}").to_arrow_table()
        on_disk.writer.register("rows_of", rows)
        on_disk.writer.execute(f"insert into {table} from rows_of")
        on_disk.writer.unregister("rows_of")
    on_disk.close()
    return small_network.folder


@pytest.fixture
def decisions(folder: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(folder / "var" / "decisions.sqlite")
    store.start()
    yield store
    store.close()


def outage(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    assert main(["outage", *words, "--json", "--config", str(folder)]) == 0
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


def test_an_outage_is_attributed_approved_and_listed(folder: Path, capsys) -> None:
    why = ["--why", "power switched off"]
    (made,) = outage(
        folder, capsys, "attribute", OUTAGE, "--as", "customer", "--by", "ann", "--ticket",
        "INC-7", *why,
    )  # fmt: skip
    assert (made["standing"], made["circuit_id"], made["ticket"]) == ("proposed", "DEN-1", "INC-7")
    assert (
        main(["outage", "approve", made["id"], "--by", "ann", *why, "--config", str(folder)]) == 2
    )
    assert "Who proposes does not decide" in capsys.readouterr().err

    outage(folder, capsys, "approve", made["id"], "--by", "bob", "--why", "seen")

    (listed,) = outage(folder, capsys, "list")
    assert (listed["standing"], listed["decided_by"]) == ("approved", "bob")
    assert outage(folder, capsys, "list", "--open") == []
    assert main(["outage", "list", "--config", str(folder)]) == 0
    assert "power switched off; approved by bob: seen" in capsys.readouterr().out


def test_an_outage_that_is_not_there_is_wrong_use(folder: Path, capsys) -> None:
    words = ["attribute", "none", "--as", "carrier", "--why", "x", "--config", str(folder)]

    assert main(["outage", *words]) == 2
    assert "there is no outage 'none'" in capsys.readouterr().err


def test_a_running_network_takes_peoples_words_over_and_knows_whom_they_touch(
    folder: Path, decisions: DecisionsStore, capsys
) -> None:
    network = Network(load_configuration(folder), decisions)
    network.load()
    before = network.configuration

    (made,) = outage(
        folder, capsys, "attribute", OUTAGE, "--as", "customer", "--by", "a", "--why", "x"
    )
    network.hear([])

    after = network.configuration
    assert after.reclassified["DEN-1"][0].proposal.proposal_id == made["id"]
    assert touched(
        before.inventory, after.inventory, before.maintenance, after.maintenance,
        before.reclassified, after.reclassified,
    ) == {"DEN-1"}  # fmt: skip


def test_a_window_that_people_propose_stands_is_edited_and_decided_like_an_announced_one(
    folder: Path, decisions: DecisionsStore
) -> None:
    network = Network(load_configuration(folder), decisions)
    network.load()
    wait = {
        "id": "INC-7", "circuit": "DEN-1", "ticket": "INC-7", "reason": "nobody opens the door",
        "start": "2025-10-09T09:12:00Z",
    }  # fmt: skip

    propose_window(decisions, wait, who="desk", at_us=NOW_US)
    network.hear([])
    decide_window(
        decisions, network.maintenance, "INC-7", accepted=True, who="noc", at_us=NOW_US + 1
    )
    network.hear([])
    open_ended = [w for w in network.maintenance if w.ticket]
    ended = wait | {"end": "2025-10-09T09:14:00Z", "start": "2025-10-09T09:11:00Z"}
    propose_window(decisions, ended, who="desk", at_us=NOW_US + 2)
    network.hear([])
    edited = [w for w in network.maintenance if w.ticket]

    assert [(w.start - CUT, w.approved_by) for w in open_ended] == [(60, "noc")]
    # what the edit adds before has no approval yet; what stood keeps it
    assert [(w.id, w.start - CUT, w.end - CUT, w.approved_by) for w in edited] == [
        ("INC-7", 60, 180, "noc"), ("INC-7#2", 0, 60, None),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="has no end"):
        propose_window(decisions, {**wait, "ticket": None}, who="desk", at_us=NOW_US)
