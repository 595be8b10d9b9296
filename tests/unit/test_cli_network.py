"""Files, announcements and people's words as one network; each announcement kept once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cli.announce import records_of
from cli.configuration import Configuration, load_configuration
from cli.main import main
from cli.network import Network, touched
from linksla.announcements import Announcement
from linksla.decisions import DecisionsStore, audit, inventory_revisions, maintenance_revisions
from linksla.errors import ConfigError, UsageError
from linksla.names import TOPIC_INVENTORY, TOPIC_MAINTENANCE
from sla.desk import decide_window

CIRCUIT = {
    "id": "DEN-9", "owners": [{"customer": "acme"}], "contract": "last-mile", "site": "Denver",
    "region": "us-west-2", "bandwidth_mbps": 100, "grid_seconds": 10,
    "active_from": "2026-01-01T00:00:00Z", "channels": [{"name": "ch1"}, {"name": "ch2"}],
}  # fmt: skip
WINDOW = {
    "id": "CHG-1", "circuit": "DEN-1", "start": "2026-01-20T06:00:00Z",
    "end": "2026-01-20T08:00:00Z", "proposed_by": "carrier", "reason": "card",
}  # fmt: skip


class Bench:
    """A network and a topic that counts its own offsets."""

    def __init__(self, configuration: Configuration, decisions: DecisionsStore) -> None:
        self.configuration = configuration
        self.decisions = decisions
        self.offset = 0
        self.restart()

    def restart(self) -> None:
        self.network = Network(self.configuration, self.decisions)
        self.network.load()

    def record(self, key: str, value: object, *, maintenance: bool = False) -> Announcement:
        self.offset += 1
        body = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        topic = TOPIC_MAINTENANCE if maintenance else TOPIC_INVENTORY
        at_us = 1_768_000_000_000_000 + self.offset
        return Announcement(topic, "id", 0, self.offset, at_us, key.encode(), body)

    def said(self, key: str, value: object, *, maintenance: bool = False) -> list[str]:
        bad = self.network.hear([self.record(key, value, maintenance=maintenance)])
        return [record.reason for record in bad]


@pytest.fixture
def bench(config_folder: Path, tmp_path: Path) -> Iterator[Bench]:
    (config_folder / "linksla.yaml").write_text("data: data\n")
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield Bench(load_configuration(config_folder), store)
    store.close()


def test_an_announced_circuit_stands_beside_the_files_and_after_a_restart(bench: Bench) -> None:
    assert bench.said("circuit:DEN-9", CIRCUIT) == []
    assert {"DEN-1", "DEN-9"} <= set(bench.network.inventory.circuits)

    bench.restart()

    assert bench.network.inventory.circuits["DEN-9"].channels[1].name == "ch2"


def test_what_is_announced_overrides_the_file_and_a_null_withdraws(bench: Bench) -> None:
    changed = CIRCUIT | {"id": "DEN-1", "site": "Boulder"}
    changed["channels"] = [{"name": f"ch{n}"} for n in range(1, 5)]
    bench.said("circuit:DEN-1", changed)
    assert bench.network.inventory.circuits["DEN-1"].site == "Boulder"

    bench.said("circuit:DEN-1", None)

    assert "DEN-1" not in bench.network.inventory.circuits


def test_a_record_that_is_read_again_is_kept_once(bench: Bench) -> None:
    records = [
        bench.record("circuit:DEN-9", CIRCUIT),
        bench.record("CHG-1", WINDOW, maintenance=True),
    ]
    for _ in range(2):
        assert bench.network.hear(records) == []
        bench.restart()

    with bench.decisions.engine.begin() as connection:
        for table in (inventory_revisions, maintenance_revisions):
            rows = connection.execute(sa.select(table.c.announced_at_us)).scalars().all()
            assert len(rows) == 1
            assert rows[0] > 1_768_000_000_000_000


def test_a_circuit_heard_before_its_customer_waits_for_him(bench: Bench) -> None:
    bench.said("circuit:DEN-9", CIRCUIT | {"owners": [{"customer": "initech"}]})
    assert "DEN-9" not in bench.network.inventory.circuits

    bench.said("customer:initech", {"id": "initech", "name": "Initech"})

    assert bench.network.inventory.circuits["DEN-9"].owners[0].customer == "initech"


BAD = [
    ("circuit:DEN-9", b"no json", "not JSON"),
    ("circuit:DEN-9", b"[1]", "not a JSON object"),
    ("circuit:DEN-9", b'{"id": 1, "id": 2}', "given twice"),
    ("circuit:DEN-9", b'{"id": NaN}', "NaN is no number"),
    ("circuit:DEN-9", b"[" * 100_000, "not JSON"),
    ("circuit:DEN-9", b" " * 1_100_000, "more than"),
    ("circuit:DEN-8", CIRCUIT, "another id"),
    ("circuit:DEN-9", CIRCUIT | {"colour": "red"}, "colour"),
    ("circuit:DEN-9", CIRCUIT | {"contract": "none"}, "no contract 'none'"),
    ("circuit:DEN-9", CIRCUIT | {"channels": [{"name": "a"}, {"name": "a"}]}, "channel twice"),
    ("circuit:DEN-9", CIRCUIT | {"active_to": "2025-01-01T00:00:00Z"}, "not after"),
    ("circuit:DEN-1", CIRCUIT | {"id": "DEN-1"}, "'ch3' is left out"),
    ("circuit:DEN-1", CIRCUIT | {"id": "DEN-1", "grid_seconds": 20}, "for the circuit's life"),
    ("link:DEN-9", CIRCUIT, "the key is"),
    ("link:DEN-9", None, "the key is"),
    ("customer:acme", None, "names the customer as an owner"),
    ("", CIRCUIT, "the key has"),
]


@pytest.mark.parametrize(("key", "value", "why"), BAD, ids=[why for *_, why in BAD])
def test_a_bad_record_says_why_and_changes_nothing(
    bench: Bench, key: str, value: Any, why: str
) -> None:
    before = bench.network.inventory
    (said,) = bench.said(key, value)

    assert why in said
    assert bench.network.inventory == before
    with bench.decisions.engine.begin() as connection:
        assert connection.execute(sa.select(inventory_revisions)).first() is None


def test_a_bad_record_does_not_keep_its_neighbours_out(bench: Bench) -> None:
    bad = bench.network.hear(
        [bench.record("circuit:DEN-9", b"{"), bench.record("circuit:DEN-9", CIRCUIT)]
    )

    assert len(bad) == 1
    assert "DEN-9" in bench.network.inventory.circuits


def decided(bench: Bench, who: str, *, accepted: bool = True) -> None:
    decide_window(
        bench.decisions, bench.network.maintenance, "CHG-1", accepted=accepted, who=who, at_us=5
    )


def test_another_than_the_proposer_approves_and_it_is_in_the_audit(bench: Bench) -> None:
    bench.said("CHG-1", WINDOW, maintenance=True)
    with pytest.raises(UsageError, match="Who proposes does not approve"):
        decided(bench, "carrier")
    decided(bench, "noc")

    bench.network.hear([])  # what a running node does every round

    (window,) = [w for w in bench.network.maintenance if w.id == "CHG-1"]
    assert window.approved_by == "noc"
    with bench.decisions.engine.begin() as connection:
        lines = connection.execute(sa.select(audit.c.who, audit.c.action, audit.c.object)).all()
    assert [tuple(line) for line in lines] == [("noc", "maintenance approved", "CHG-1")]


def test_approving_a_window_that_is_not_there_names_those_that_are(bench: Bench) -> None:
    with pytest.raises(UsageError, match=r"no window 'CHG-1' stands.*CHG-7"):
        decided(bench, "noc")


def test_only_circuits_that_changed_are_judged_again(bench: Bench) -> None:
    before, windows = bench.network.inventory, bench.network.maintenance
    bench.said("circuit:DEN-9", CIRCUIT)
    after = bench.network.inventory
    assert touched(before, after, windows, windows, {}, {}) == {"DEN-9"}

    bench.said("CHG-1", WINDOW, maintenance=True)

    assert touched(after, after, windows, bench.network.maintenance, {}, {}) == {"DEN-1"}


def test_the_command_lists_approves_and_refuses(
    config_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config_folder / "linksla.yaml").write_text("data: data\n")
    config = ["--config", str(config_folder)]

    assert main(["maintenance", "approve", "CHG-7", "--by", "noc", *config]) == 0
    assert main(["maintenance", "approve", "CHG-7", "--by", "carrier", *config]) == 2
    assert main(["maintenance", "list", *config]) == 0
    assert "CHG-7            DEN-2" in (listed := capsys.readouterr().out)
    assert listed.endswith("by carrier, approved by noc\n")
    assert main(["maintenance", "refuse", "CHG-7", "--by", "noc", *config]) == 0
    assert main(["maintenance", "list", *config]) == 0
    assert capsys.readouterr().out.endswith("by carrier, refused by noc\n")


def test_the_projects_own_files_can_be_announced(config_folder: Path) -> None:
    topic, records = records_of(config_folder / "inventory.yaml")
    windows_topic, windows = records_of(config_folder / "maintenance.yaml")

    assert (topic, windows_topic) == (TOPIC_INVENTORY, TOPIC_MAINTENANCE)
    assert [key for key, _ in records] == [
        "customer:acme", "customer:globex", "circuit:DEN-1", "circuit:DEN-2", "circuit:LON-1",
    ]  # fmt: skip
    assert [key for key, _ in windows] == ["CHG-7"]


def test_a_file_with_a_wrong_entry_is_not_announced_at_all(config_folder: Path) -> None:
    file = config_folder / "inventory.yaml"
    file.write_text(file.read_text().replace("grid_seconds: 60", "grid_seconds: 7"))

    with pytest.raises(ConfigError, match="entry 2 of circuits: grid_seconds: a grid is one of"):
        records_of(file)
