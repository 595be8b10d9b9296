"""End to end on a real broker: announced, sent, and on the API, without a restart."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from kafka import KafkaProducer

from cli.configuration import load_configuration
from cli.control import ask_node
from cli.main import main
from cli.wiring import Running
from dashboards.accounts import Accounts, Role
from ingest.announcements import announce
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import SystemClock, iso
from linksla.errors import StreamError
from linksla.names import TOPIC_INVENTORY, TOPIC_MAINTENANCE, TOPIC_SAMPLES
from linksla.wire import WIRE_SCHEMA, encode, partition_of
from sla.scope import AllCustomers
from tests.conftest import required, write_config

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()
ALL = AllCustomers(commercial=True)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker of its own: the topics' names are fixed, and others must not hear these."""
    made = EmbeddedKafka(tmp_path_factory.mktemp("announced") / "kafka", port=0)
    try:
        made.start()
    except StreamError as error:
        required(f"an embedded Kafka ({error})")
    ensure_topics(made.bootstrap)
    yield made
    made.stop()


def configured(folder: Path) -> Path:
    write_config(folder / "config")
    (folder / "config" / "linksla.yaml").write_text("data: ../data\nweb: {port: 0}\n")
    with (folder / "config" / "contracts" / "single.yaml").open("a") as contract:
        contract.write("exclusions: {customer: true, waiting_for_customer: true}\n")
    return folder / "config"


@pytest.fixture
def running(broker: EmbeddedKafka, tmp_path: Path) -> Iterator[Running]:
    made = Running(load_configuration(configured(tmp_path)), broker.bootstrap, CLOCK)
    made.start()
    yield made
    made.stop()


def until(found: Callable[[], Any], seconds: float) -> tuple[Any, float]:
    """Return what is found at last and after how long."""
    began, pause = CLOCK.monotonic_seconds(), threading.Event()
    while True:
        value = found()
        took = CLOCK.monotonic_seconds() - began
        if value:
            return value, took
        assert took < seconds, f"nothing within {seconds} s"
        pause.wait(0.1)


def circuit(circuit_id: str, active_from_s: int) -> bytes:
    return json.dumps(
        {
            "id": circuit_id, "owners": [{"customer": "acme"}], "contract": "single",
            "site": "Denver", "region": "us-west-2", "bandwidth_mbps": 100, "grid_seconds": 10,
            "active_from": iso(active_from_s), "channels": [{"name": "primary"}],
        }
    ).encode()  # fmt: skip


def send_samples(
    bootstrap: str, circuit_id: str, first_s: int, count: int, bad: Container[int] = ()
) -> None:
    rows = [
        {
            "circuit_id": circuit_id, "channel": "primary", "sequence": n,
            "observed_at": (first_s + 10 * n) * 1_000_000, "interval_ms": 10_000,
            "latency_ms": 3.0, "loss_ratio": 0.0,
            "bgp_state": "IDLE" if n in bad else "ESTABLISHED",
        }
        for n in range(count)
    ]  # fmt: skip
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for value in encode(pa.Table.from_pylist(rows, schema=WIRE_SCHEMA), batch=max(count, 2)):
        producer.send(TOPIC_SAMPLES, value=value, partition=partition_of(circuit_id))
    producer.flush()
    producer.close()


def on_the_api(running: Running) -> Callable[[str], Any]:
    token = Accounts(running.decisions, CLOCK).create_token("test", Role.NOC, None, by="test")
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{running.web.port}/api/v1",
        headers={"Authorization": f"Bearer {token.secret}"},
    )

    def asked(path: str) -> Any:
        answer = client.get(path)
        return answer.json() if answer.status_code == httpx.codes.OK else None

    return asked


def test_an_announced_circuit_has_its_number_within_10_s_of_its_first_sample(
    running: Running, broker: EmbeddedKafka
) -> None:
    api = on_the_api(running)
    now_s = CLOCK.now_us() // 1_000_000
    assert api("/circuits/NEW-1") is None

    announce(broker.bootstrap, TOPIC_INVENTORY, [("circuit:NEW-1", circuit("NEW-1", now_s - 120))])
    until(lambda: api("/circuits/NEW-1"), 10)
    send_samples(broker.bootstrap, "NEW-1", now_s - 110, 12)
    month = until(lambda: running.queries.months(ALL, "NEW-1"), 10)[0][-1]

    def up_seconds() -> int:
        answer = api(f"/circuits/NEW-1/months/{month}")
        return int(answer["seconds"]["up"]) if answer else 0

    until(up_seconds, 10)
    assert api("/circuits/NEW-1")["state"] == "up"


def test_samples_before_their_circuit_are_kept_and_fed_again(
    running: Running, broker: EmbeddedKafka
) -> None:
    now_s = CLOCK.now_us() // 1_000_000

    def pending() -> int:
        with running.telemetry.reader() as cursor:
            row = cursor.execute(
                "select count(*) from pending where circuit_id = 'EARLY-1'"
            ).fetchone()
        return int(row[0]) if row else 0

    send_samples(broker.bootstrap, "EARLY-1", now_s - 110, 12)
    until(lambda: pending() == 12, 10)
    announce(
        broker.bootstrap, TOPIC_INVENTORY, [("circuit:EARLY-1", circuit("EARLY-1", now_s - 120))]
    )

    answer, _ = until(lambda: (running.queries.circuit(ALL, "EARLY-1") or ANSWERLESS).month, 10)

    assert pending() == 0
    assert answer.seconds.up > 0
    with running.telemetry.reader() as cursor:
        fed = (
            "select count(*) from samples join channels using (channel_key) where circuit_id = $id"
        )
        assert cursor.execute(fed, {"id": "EARLY-1"}).fetchone() == (12,)


class _Answerless:
    month = None


ANSWERLESS = _Answerless()


def test_a_bad_announcement_is_a_dead_letter_once_over_restarts(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    announce(broker.bootstrap, TOPIC_INVENTORY, [("circuit:BAD-1", b'{"id": "BAD-1"}')])
    configuration = load_configuration(configured(tmp_path))
    found = []
    for _ in range(2):
        node = Running(configuration, broker.bootstrap, CLOCK)
        node.start(web=False)
        with node.telemetry.reader() as cursor:
            found = cursor.execute(
                "select reason, detail from rejects where key = 'circuit:BAD-1'::blob"
            ).fetchall()
        assert "BAD-1" not in node.queries.circuit_ids(ALL)
        node.stop()

    ((reason, detail),) = found
    assert reason == "undecodable"
    assert "owners" in detail


def test_maintenance_is_a_proposal_until_notice_or_another_person_accepts_it(
    running: Running, broker: EmbeddedKafka, tmp_path: Path
) -> None:
    now_s = CLOCK.now_us() // 1_000_000
    announce(broker.bootstrap, TOPIC_INVENTORY, [("circuit:MNT-1", circuit("MNT-1", now_s - 600))])
    send_samples(broker.bootstrap, "MNT-1", now_s - 590, 60)
    window = {
        "id": "CHG-50", "circuit": "MNT-1", "start": iso(now_s - 400), "end": iso(now_s - 300),
        "announced_at": "2020-01-01T00:00:00Z", "proposed_by": "carrier", "reason": "card",
    }  # fmt: skip
    contract = tmp_path / "config" / "contracts" / "single.yaml"
    assert "notice_hours" not in contract.read_text()
    announce(broker.bootstrap, TOPIC_MAINTENANCE, [("CHG-50", json.dumps(window).encode())])

    def exclusion(accepted: bool) -> Any:
        found = running.queries.exclusions(ALL, "MNT-1", now_s - 600, now_s) or ()
        return [e for e in found if e.exclusion_id == "CHG-50" and e.accepted is accepted]

    ((proposal,), _) = until(lambda: exclusion(accepted=False), 10)
    assert "after its start" in proposal.reason, "the record's instant counts, not announced_at"
    assert proposal.seconds == 0
    config = ["--config", str(tmp_path / "config")]
    assert main(["maintenance", "approve", "CHG-50", "--by", "carrier", *config]) == 2
    assert main(["maintenance", "approve", "CHG-50", "--by", "noc", *config]) == 0
    ((accepted,), _) = until(lambda: exclusion(accepted=True), 10)
    assert accepted.reason.startswith("Accepted: approved by noc")

    announce(broker.bootstrap, TOPIC_MAINTENANCE, [("CHG-50", None)])

    until(lambda: not exclusion(accepted=True), 10)
    assert exclusion(accepted=False) == []


def test_what_people_decide_beside_a_running_node_restates_the_month_within_seconds(
    running: Running, broker: EmbeddedKafka, tmp_path: Path
) -> None:
    now_s = CLOCK.now_us() // 1_000_000
    announce(broker.bootstrap, TOPIC_INVENTORY, [("circuit:DEC-1", circuit("DEC-1", now_s - 900))])
    first_s = (now_s - 890) // 10 * 10
    send_samples(broker.bootstrap, "DEC-1", first_s, 80, {*range(20, 50), *range(60, 70)})
    outages, _ = until(
        lambda: (found := running.queries.outages(ALL, "DEC-1", 0, now_s)) and len(found) == 2
        and found, 10,
    )  # fmt: skip

    def excluded() -> int:
        found = running.queries.month(ALL, "DEC-1", running.queries.months(ALL, "DEC-1")[-1])
        return found.seconds.excluded if found else 0

    def desk(**more: str) -> Any:
        return ask_node(tmp_path / "data" / "linksla.sock", "POST", "/outages", more)

    (proposal,) = desk(
        action="attribute", id=outages[0].outage_id, who="noc", why="power", circuit="DEC-1",
        attribution="customer",
    )  # fmt: skip
    assert excluded() == 0
    desk(action="approve", id=proposal["id"], who="manager", why="confirmed")
    until(lambda: excluded() == 300, 10)
    start_s = first_s + 600  # the second outage's onset
    wait = {
        "id": "INC-9", "circuit": "DEC-1", "ticket": "INC-9", "start": iso(start_s + 50),
        "proposed_by": "desk", "reason": "nobody opens the door",
    }  # fmt: skip
    announce(broker.bootstrap, TOPIC_MAINTENANCE, [("INC-9", json.dumps(wait).encode())])
    until(lambda: any(w.ticket for w in running.queries.maintenance), 10)
    config = ["--config", str(tmp_path / "config")]
    assert main(["maintenance", "approve", "INC-9", "--by", "noc", *config]) == 0
    until(lambda: excluded() == 350, 10)

    (listed,) = desk(action="list")
    assert (listed["standing"], listed["decided_by"]) == ("approved", "manager")


def test_a_second_node_on_a_running_ones_data_is_refused_and_the_first_goes_on(
    broker: EmbeddedKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--kafka", broker.bootstrap, "--config", str(configured(tmp_path))]
    first = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *command], stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    portal = next(line for line in first.stdout if line.startswith("portal")).split()[1]
    try:
        assert main(command) == 1
        assert f"another node, process {first.pid}, runs" in capsys.readouterr().err
        assert httpx.get(f"{portal}/healthz").status_code == httpx.codes.OK
        assert ask_node(tmp_path / "data" / "linksla.sock", "GET", "/status")
    finally:
        first.terminate()
        first.communicate(timeout=30)
    assert first.returncode == 0


def test_the_command_announces_a_file(
    running: Running, broker: EmbeddedKafka, tmp_path: Path
) -> None:
    file = tmp_path / "more.yaml"
    body = json.loads(circuit("CLI-1", 1_760_000_000))
    file.write_text(json.dumps({"customers": [], "circuits": [body]}))
    command = ["announce", "--kafka", broker.bootstrap, "--config", str(tmp_path / "config")]

    assert main([*command, str(file)]) == 0
    until(lambda: "CLI-1" in running.queries.circuit_ids(ALL), 10)
    assert main([*command, "--withdraw", "circuit:CLI-1"]) == 0
    until(lambda: "CLI-1" not in running.queries.circuit_ids(ALL), 10)
