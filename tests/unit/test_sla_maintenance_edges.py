"""What a maintenance record is about, and what is wrong with one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linksla.clock import parse_instant
from linksla.errors import ConfigError
from sla.maintenance import STILL_S, MaintenanceWindow, fault, load_maintenance
from tests.unit.past_bench import JUNE
from tests.unit.told_bench import circuit, window

W = window(JUNE, JUNE + 60)


def about(**more: Any) -> MaintenanceWindow:
    return replace(W, **more)


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ({}, "circuit"), ({"channel": "ch1"}, "channel ch1"),
        ({"circuit": None, "site": "DEN"}, "site DEN"), ({"ticket": "INC-7"}, "ticket INC-7"),
    ],
)  # fmt: skip
def test_a_record_says_what_it_is_about(more: dict[str, Any], scope: str) -> None:
    assert about(**more).scope == scope


@pytest.mark.parametrize(
    ("more", "covers"),
    [
        ({}, True), ({"circuit": "D"}, False), ({"circuit": None, "site": "S"}, True),
        ({"circuit": None, "site": "T"}, False), ({"channel": "nobody's"}, True),
    ],
)  # fmt: skip
def test_a_record_bears_on_its_circuit_or_all_of_its_site(
    more: dict[str, Any], covers: bool
) -> None:
    assert about(**more).covers(circuit()) is covers


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, None), ({"channel": "ch1"}, None), ({"circuit": None, "site": "S"}, None),
        ({"ticket": "T"}, None), ({"ticket": "T", "end": STILL_S}, None),
        ({"site": "S"}, "must name a circuit or a site, and not both"),
        ({"circuit": None}, "must name a circuit or a site, and not both"),
        ({"circuit": None, "site": "S", "channel": "ch1"}, "has a channel but no circuit"),
        ({"circuit": None, "site": "S", "ticket": "T"},
         "has a ticket: it must name a circuit, and no site or channel"),
        ({"channel": "ch1", "ticket": "T"},
         "has a ticket: it must name a circuit, and no site or channel"),
        ({"end": STILL_S}, "has no end"), ({"end": JUNE}, "does not end after its start"),
        ({"end": JUNE - 1}, "does not end after its start"), ({"end": JUNE + 1}, None),
        ({"id": "known"}, "stands twice"),
    ],
)  # fmt: skip
def test_a_record_that_means_nothing_is_refused(more: dict[str, Any], wrong: str | None) -> None:
    assert fault(about(**more), {"known"}) == wrong


def test_a_record_mutes_excludes_and_is_shown_unless_it_says_otherwise() -> None:
    assert (W.mute_alerts, W.exclude_from_sla, W.show_to_customer) == (True, True, True)
    assert replace(W, ticket="T", end=STILL_S).end == parse_instant("9999-12-31T23:59:59Z") + 1


FILE = """\
# planned work
windows:
  - {id: A, circuit: C, start: 2026-06-01T00:00:00Z, end: 2026-06-01T01:00:00Z,
     announced_at: 2026-05-01T00:00:00Z, proposed_by: noc, reason: r}
  - {id: B, circuit: C, start: 2026-06-02T00:00:00Z, end: 2026-06-02T00:00:00Z,
     announced_at: 2026-05-01T00:00:00Z, proposed_by: noc, reason: r}
"""


def test_a_file_of_windows_is_read_and_a_fault_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "maintenance.yaml"
    assert load_maintenance(path) == ()
    good = FILE.replace("end: 2026-06-02T00:00:00Z", "end: 2026-06-02T00:00:09Z")
    path.write_text(good)
    assert [(one.id, one.end - one.start) for one in load_maintenance(path)] == [
        ("A", 3_600), ("B", 9),
    ]  # fmt: skip
    path.write_text(FILE)
    with pytest.raises(ConfigError, match="window 'B' does not end after its start") as caught:
        load_maintenance(path)
    assert "maintenance.yaml:5" in str(caught.value)
    path.write_text(good.replace("id: B", "id: A"))
    with pytest.raises(ConfigError, match="window 'A' stands twice") as caught:
        load_maintenance(path)
    assert "maintenance.yaml:5" in str(caught.value)
