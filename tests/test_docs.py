"""Documentation that breaks the build: every command, setting and reason is described."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from cli.main import COMMANDS
from linksla.inventory import Bandwidth, Channel, Circuit, Customer, Ownership, Price
from linksla.model import Reason
from linksla.settings import Settings
from sla.contracts import (
    AvailabilityTerms,
    Contract,
    ExclusionTerms,
    MaintenanceTerms,
    PerformanceTerms,
)
from sla.maintenance import MaintenanceWindow
from sla.outage_terms import ChronicTerms, OutageTerms
from sla.schedules import (
    DownSecondsBands,
    ExceedanceBands,
    PayoutTerms,
    PercentBands,
    PerCumulativeHour,
    RestoreBands,
)

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described(command: str) -> None:
    assert f"`linksla {command}" in (DOCS / "commands.md").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_described(reason: Reason) -> None:
    assert f"| `{reason.value}` |" in (DOCS / "messages.md").read_text()


def names(kind: type) -> set[str]:
    found = set()
    for field in fields(kind):
        found.add(field.name)
        if isinstance(field.default, object) and is_dataclass(field.default):
            found |= {f"{field.name}.{inner}" for inner in names(type(field.default))}
    return found


def test_every_setting_is_described() -> None:
    text = (DOCS / "configuration.md").read_text()

    assert {name for name in names(Settings) if "." in name and f"`{name}`" not in text} == set()


@pytest.mark.parametrize(
    "kind",
    [
        Customer, Circuit, Channel, Ownership, Price, Bandwidth, Contract, AvailabilityTerms,
        PerformanceTerms, MaintenanceTerms, ExclusionTerms, MaintenanceWindow,
        PercentBands, DownSecondsBands,
        PerCumulativeHour, ExceedanceBands, RestoreBands, PayoutTerms, OutageTerms, ChronicTerms,
    ],
)  # fmt: skip
def test_every_key_of_a_file_is_described(kind: type) -> None:
    text = (DOCS / "configuration.md").read_text()

    assert {field.name for field in fields(kind) if f"`{field.name}`" not in text} == set()
