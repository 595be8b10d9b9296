"""`linksla explain`: what a customer in dispute reads; the same through a running node."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from cli.control import create_control_app
from cli.explained import _exclusions, _outages, explained
from cli.explanations import answer
from cli.main import main
from linksla.clock import ManualClock
from linksla.decisions import DecisionsStore
from linksla.errors import UsageError
from linksla.inventory import load_inventory
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.contracts import load_contracts
from sla.explain import asked_of
from sla.maintenance import load_maintenance
from sla.queries import Queries

NOTHING = {
    "circuit": "DEN-1", "month": "2025-10", "outage": None, "start": None, "end": None,
    "samples": 40, "after": None,
}  # fmt: skip


@pytest.fixture
def queries(small_network) -> Queries:
    folder = small_network.folder
    inventory = folder / "inventory.yaml"
    priced = "bandwidth_mbps: 10000\n    prices: [{amount: 2000, currency: USD}]"
    inventory.write_text(inventory.read_text().replace("bandwidth_mbps: 10000", priced))
    return Queries(
        small_network.store,
        load_inventory(inventory),
        load_contracts(folder / "contracts"),
        load_maintenance(folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(0),
    )


def text_of(queries: Queries, *, sql: bool = False, **more: object) -> str:
    return explained(answer(queries, **{**NOTHING, **more}), sql=sql)


def test_a_person_reads_from_the_percentage_down_to_the_channels(queries) -> None:
    said = text_of(queries)

    for line in (
        "October: breached. 5 min 0 s down, 4 min 27 s allowed.",
        "period          2025-10-01 00:00:00 MDT (2025-10-01T06:00:00Z) to",
        "Contractual availability: 99.98879 %",
        "300 down × 10,000 = 3,000,000 is more than 2,678,400 × 1 = 2,678,400: breached",
        f"period      {2_678_400:16,}{2_678_400:18,}",
        "2025-10-09T09:11:00Z to 2025-10-09T09:16:00Z        300 s  outage 0a3dcbfc38dc",
        "source          aws.amazon.com/interconnect/sla, 15 April 2026",
        "price           2000.00 USD a month",
        "10 % of 2,000.00 USD = 200.00 USD",
        "down in all 1: 300 s, the bucket down",
        "2,678,400   2,674,500     3,900          0  BGP not established",
        "Samples: name an outage with --outage, or a range with --from and --to.",
    ):
        assert line in said, line
    assert max(map(len, said.splitlines())) <= 180


def test_an_outage_closely_shows_how_channels_merge(queries) -> None:
    said = text_of(queries, outage="0a3dcbfc38dc")

    assert "Closely: 2025-10-09T09:09:20Z to 2025-10-09T09:17:40Z" in said
    assert "300 s  0 good, 4 bad, 0 unknown of 4: bad; down, counted as down" in said
    assert "none is kept of this time" in said


def test_statements_are_printed_with_their_parameters_when_asked_for(queries) -> None:
    assert "unnest($judgement_key)" not in text_of(queries)

    said = text_of(queries, sql=True)
    assert "unnest($judgement_key) as judgement" in said
    assert "$circuit_ids = ['DEN-1']" in said


def test_the_command_prints_it_and_json_is_what_the_node_answers(
    small_network, queries, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
    arguments = ["explain", "DEN-1", "2025-10", "--config", str(small_network.folder)]
    app = create_control_app(queries, DecisionsStore(tmp_path / "d"), ManualClock(0), Meters())

    async def ask() -> object:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as node:
            return (await node.post("/explain", json=NOTHING)).json()

    assert main([*arguments, "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone == asyncio.run(ask())
    assert main(arguments) == 0
    assert capsys.readouterr().out.rstrip("\n") == text_of(queries)
    assert main(["explain", "PAR-1", "2025-10", "--config", str(small_network.folder)]) == 2
    assert "there is no circuit 'PAR-1'. There is: DEN-1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"month": "2024-01"}, "nothing of 2024-01 is complete for DEN-1. There is: 2025-09, "),
        ({"outage": "x"}, "There is: 0a3dcbfc38dc"),
        ({"start": "2025-10-09T09:00:00Z"}, "a range has two ends"),
        ({"start": "yesterday", "end": "today"}, "the range has no instants"),
        ({"samples": 0}, "between 1 and 1,000"),
    ],
)
def test_wrong_use_is_told_what_there_is(queries, more: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        answer(queries, **{**NOTHING, **more})


def test_a_range_is_asked_for_in_instants() -> None:
    asked = asked_of(None, "2025-10-09T09:00:00Z", "2025-10-09T03:10:00-06:00", 5, None)

    assert asked.end_s - asked.start_s == 600


def test_an_outage_that_goes_on_is_told_as_of_what_is_complete() -> None:
    outage = {
        "id": "o1", "start": "2025-10-09T09:00:00Z", "within": {"seconds": 60}, "down_seconds": 60,
        "excluded_seconds": 0, "unmeasured_seconds": 0, "attribution": None, "onset": "",
        "ended": "", "channels": [],
    }  # fmt: skip
    answered = {"timezone": "UTC", "complete_up_to": "2025-10-09T09:01:00Z"}

    def heading(end: str | None) -> str:
        return next(_outages({"answer": answered, "outages": [outage | {"end": end}]}))

    begins = "o1  2025-10-09 09:00:00 UTC (2025-10-09T09:00:00Z)"
    ends = "2025-10-09 09:01:00 UTC (2025-10-09T09:01:00Z)"
    assert heading(None) == f"{begins}, not over at {ends}"
    assert heading("2025-10-09T09:01:00Z") == f"{begins} to {ends}"


@pytest.mark.parametrize(
    ("accepted", "is_open", "word"),
    [(True, False, "accepted"), (False, True, "not decided"), (False, False, "refused")],
)
def test_a_window_nobody_has_decided_is_not_told_as_refused(
    accepted: bool, is_open: bool, word: str
) -> None:
    window = {
        "id": "W", "scope": "circuit", "start": "2025-10-09T09:00:00Z",
        "end": "2025-10-09T10:00:00Z", "accepted": accepted, "open": is_open,
        "reason": "announced late", "seconds": 0, "pieces": [], "rest": [],
    }  # fmt: skip
    assert list(_exclusions({"exclusions": [window]})) == [
        f"W  circuit, 2025-10-09T09:00:00Z to 2025-10-09T10:00:00Z: {word}",
        "  announced late",
        "  took out 0 s",
    ]
