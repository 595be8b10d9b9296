"""The command line as a newcomer meets it."""

from pathlib import Path

import pytest

from cli import demo
from cli.main import COMMANDS, main
from cli.wiring import telemetry_path
from linksla.settings import WebhookSettings
from linksla.stores import TelemetryStore
from simulator.worlds import demo_world


def test_no_command_is_wrong_use_and_names_what_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])

    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert f"linksla {command}" in capsys.readouterr().out


@pytest.fixture
def config(config_folder: Path) -> Path:
    folder = config_folder
    (folder / "linksla.yaml").write_text("data: var\n")
    return folder


def test_check_counts_what_is_configured(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(config)]) == 0
    assert "2 customers, 3 circuits, 9 channels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("linksla.yaml", "data: var", "dta: var", "linksla.yaml:1: unknown key 'dta'. Did"),
        ("inventory.yaml", "contract: single", "contract: simple", "names contract 'simple'"),
        ("inventory.yaml", "grid_seconds: 60", "grid_seconds: 61", ":21: circuits.1.grid"),
        ("maintenance.yaml", "circuit: DEN-2", "circuit: DEN-9", "names circuit 'DEN-9'"),
        ("contracts/single.yaml", "up_at_least: 1", "up_at_last: 1", "Did you mean 'up_at_least'?"),
    ],
)  # fmt: skip
def test_a_broken_file_says_file_line_what_and_exits_2(
    config: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    path = config / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    assert main(["check", str(config)]) == 2
    assert said in capsys.readouterr().err


def test_a_missing_configuration_says_where_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "none")]) == 2
    assert "none: cannot be read" in capsys.readouterr().err


def test_a_report_needs_a_known_customer(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = TelemetryStore(config / "var" / "telemetry.duckdb")
    store.start()
    store.close()
    words = ["report", "--config", str(config), "--customer", "nobody", "--month", "2025-10"]

    assert main(words) == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["report", "--customer", "acme", "--month", "2025-10"],
        ["explain", "DEN-1", "2025-10"],
        ["ledger", "DEN-1"],
        ["outage", "list"],
        ["backtest", "--contract", "contracts/single.yaml", "--from", "2025-10", "--to", "2025-10"],
    ],
)
def test_where_no_node_wrote_anything_the_folder_is_named_and_stays_as_it_was(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    monkeypatch.chdir(config)

    assert main([*words, "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert f"{config / 'var'}: no node has written anything here" in said
    assert "name another with --config. `linksla demo` prints its own." in said
    assert not (config / "var").exists()


def test_the_demos_configuration_is_one_that_other_commands_work_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = demo_world(1_795_975_200)  # 2026-11-29T18:00:00Z
    webhook = WebhookSettings(name="demo", url="http://127.0.0.1:1/", secret="none")
    used = demo._configured(world, tmp_path, 0, webhook)
    store = TelemetryStore(telemetry_path(used))
    store.start()
    store.close()
    words = demo.example(world, tmp_path / "config").split()

    assert used.settings.data == tmp_path / "data"
    assert words[:2] == ["linksla", "report"]
    assert main(words[1:]) == 2, "the store is there, and empty"
    assert "customer 'acme' has nothing measured in 2026-10" in capsys.readouterr().err


def test_a_user_is_added_with_a_password_that_is_shown(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    words = ["user", "add", "jane", "--role", "customer", "--config", str(config)]

    assert main([*words, "--customer", "acme"]) == 0
    assert "password: " in capsys.readouterr().out
    assert main([*words, "--customer", "nobody"]) == 2
    assert main(words) == 2


def test_doctor_without_a_node_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--config", str(config)]) == 1
    assert "the node does not answer" in capsys.readouterr().err
