"""docker-compose.yml and Dockerfile, checked as text: no container runtime can be had here."""

import copy
import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from cli.configuration import load_configuration
from cli.main import COMMANDS
from linksla.settings import load_settings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "data" / "compose-spec" / "compose_spec.json"
TEXT = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
EACH_SERVICE = pytest.mark.parametrize("name", sorted(SERVICES))


def problems(document: object) -> list[str]:
    """Validate as Draft 7: the schema calls itself 2019-09 but uses nothing newer."""
    validator = Draft7Validator(json.loads(SCHEMA.read_text()))
    return [error.message for error in validator.iter_errors(document)]


def resolved(text: str) -> str:
    """Put each variable's default in its place."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def instructions(word: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{word} (.+)$", joined, flags=re.MULTILINE)


def test_the_file_follows_the_compose_specification() -> None:
    assert problems(COMPOSE) == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda c: c["services"]["kafka"].update(imagee="x"),
        lambda c: c["services"]["linksla"].update(ports="8080"),
        lambda c: c["services"]["grafana"]["depends_on"]["linksla"].update(condition="soon"),
    ],
)
def test_the_schema_notices_what_is_wrong(break_it) -> None:
    broken = copy.deepcopy(COMPOSE)
    break_it(broken)

    assert problems(broken)


def test_there_is_kafka_linksla_and_grafana() -> None:
    assert set(SERVICES) == {"kafka", "linksla", "grafana"}


def test_every_variable_has_a_default() -> None:
    code = "\n".join(line.split(" #")[0] for line in TEXT.splitlines() if line[:1] != "#")
    used = re.findall(r"\$\{([^}]*)\}", code)

    assert used
    assert [variable for variable in used if not re.fullmatch(r"\w+:-[^}]+", variable)] == []


@EACH_SERVICE
def test_every_port_is_of_the_loopback_only(name: str) -> None:
    ports = SERVICES[name]["ports"]

    assert ports
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", resolved(port)), port


@EACH_SERVICE
def test_every_service_says_when_it_is_healthy_and_waits_for_those_that_do(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    for other, how in service.get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@EACH_SERVICE
def test_every_image_has_a_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")

    assert tag not in ("", "latest")


@EACH_SERVICE
def test_every_volume_is_declared_and_every_mounted_path_exists(name: str) -> None:
    for volume in SERVICES[name]["volumes"]:
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


def test_every_declared_volume_is_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}

    assert set(COMPOSE["volumes"]) <= used


def test_what_is_built_is_there() -> None:
    build = SERVICES["linksla"]["build"]

    assert (ROOT / build["context"] / build["dockerfile"]).is_file()


def test_linksla_asks_the_listener_that_kafka_advertises_inside() -> None:
    environment = SERVICES["kafka"]["environment"]
    advertised = resolved(environment["KAFKA_ADVERTISED_LISTENERS"]).split(",")

    assert f"INSIDE://{SERVICES['linksla']['environment']['LINKSLA_KAFKA']}" in advertised
    names = [one.split("://")[0] for one in environment["KAFKA_LISTENERS"].split(",")]
    mapped = dict(
        one.split(":") for one in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    assert set(names) == set(mapped)


def test_kafkas_data_is_on_its_volume() -> None:
    kafka = SERVICES["kafka"]

    targets = [volume.split(":")[1] for volume in kafka["volumes"]]
    assert kafka["environment"]["KAFKA_LOG_DIRS"] in targets


def test_the_nodes_settings_fit_the_container() -> None:
    settings = load_settings(ROOT / "config" / "compose" / "linksla.yaml")
    service = SERVICES["linksla"]

    assert settings.web.host == "0.0.0.0"  # noqa: S104  of the container
    assert resolved(service["ports"][0]).split(":")[-1] == str(settings.web.port)
    assert f"linksla:{settings.data}" in service["volumes"]
    assert f"127.0.0.1:{settings.web.port}/healthz" in service["healthcheck"]["test"][-1]


def test_the_nodes_configuration_fits_together() -> None:
    configuration = load_configuration(ROOT / "config" / "compose")

    assert configuration.inventory.circuits


def test_the_image_runs_a_real_command_as_a_user_without_rights() -> None:
    command = json.loads(instructions("CMD")[-1])

    assert json.loads(instructions("ENTRYPOINT")[-1]) == ["linksla"]
    assert command == SERVICES["linksla"]["command"]
    assert command[0] in COMMANDS
    assert instructions("USER") == ["linksla"]


def test_the_image_has_the_projects_python_and_locked_versions() -> None:
    assert set(instructions("FROM")) == {"python:3.11-slim AS build", "python:3.11-slim"}
    installs = [part for run in instructions("RUN") for part in run.split("&&") if "pip" in part]
    assert installs
    assert all("-c constraints.txt" in install for install in installs)


def test_the_image_installs_exactly_the_projects_dependencies() -> None:
    (program,) = re.findall(r'python -c "([^"]+)"', instructions("RUN")[1])

    listed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert listed == project["dependencies"]


def test_what_the_image_needs_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    packages = [path.parent.name for path in ROOT.glob("*/py.typed")]
    copied = [
        name for copy in instructions("COPY") if "--from" not in copy for name in copy.split()
    ]
    needed = [name for name in [*copied, *packages, "dashboards/package-lock.json"] if name not in
              (".", "./")]  # fmt: skip

    assert "pyproject.toml" in needed
    for name in needed:
        assert (ROOT / name).exists(), name
        assert not any(fnmatch.fnmatch(name, pattern) for pattern in ignored), name
