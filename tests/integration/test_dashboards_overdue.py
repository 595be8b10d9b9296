"""What pages say of time that nobody has seen: what is known up to when, and nothing since."""

import re
from collections.abc import Iterator

import pytest

from linksla.clock import MICROSECONDS
from tests.portal_server import NOW_S, PortalUnderTest, small_network_served

LATER_S = NOW_S + 100  # 120 s after the last 10 s cell: DEN-1 and LON-1; DEN-2 has cells of 60 s


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalUnderTest]:
    with small_network_served(tmp_path_factory.mktemp("overdue")) as found:
        yield found


def text_of(portal: PortalUnderTest, user: str, path: str, at_s: int) -> str:
    """Return a page's words at an instant, markup and runs of blanks left out."""
    portal.clock.move_to(at_s * MICROSECONDS)
    with portal.signed_in(user) as client:
        page = client.get(path).text
    portal.clock.move_to(NOW_S * MICROSECONDS)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_while_samples_come_the_page_speaks_of_now(portal: PortalUnderTest) -> None:
    said = text_of(portal, "acme", "/", NOW_S)

    assert "both circuits in time" in said
    assert " Up 4 of 4 channels up · since " in said
    assert "Was up" not in said


def test_an_overdue_circuit_was_up_and_the_page_says_until_when(portal: PortalUnderTest) -> None:
    said = text_of(portal, "acme", "/circuits/DEN-1", LATER_S + 200)

    assert re.search(
        r"Nothing newer than 17:0\d:\d\d MST has come: what this page shows is as of then", said
    )
    assert " Was up since " in said
    assert re.search(r"4 of 4 channels up · as of 17:00:\d\d MST, nothing newer has come", said)
    assert " Up " not in said.partition("Every second of the period")[0]
    assert "circuits in time" not in said


def test_one_overdue_circuit_among_others_is_named_and_needs_attention(
    portal: PortalUnderTest,
) -> None:
    said = text_of(portal, "noc", "/?show=attention", LATER_S)
    calm = text_of(portal, "noc", "/?show=attention", NOW_S)

    assert "nothing newer from 2 circuits" in said
    assert "(DEN-1, LON-1)" in said
    assert len(re.findall(" Was up ", said)) == 2
    assert " LON-1 " in said
    assert " LON-1 " not in calm, "it is up and meets its contract"


def test_while_the_broker_does_not_answer_slow_circuits_are_overdue_like_the_others(
    portal: PortalUnderTest,
) -> None:
    portal.meters.add("linksla_ingest_broker_errors_total")
    portal.meters.set("linksla_ingest_broker_up", 0)
    away = text_of(portal, "acme", "/", LATER_S)
    portal.meters.set("linksla_ingest_broker_up", 1)
    back = text_of(portal, "acme", "/", LATER_S)

    assert "Nothing newer than 17:00:00 MST has come" in away
    assert len(re.findall(" Was up ", away)) == 2
    assert re.search(r" As of 17:00:00 MST: DEN-1 cannot be assessed", away)
    assert "nothing newer from 1 circuit (DEN-1)" in back


def test_data_health_says_of_each_circuit_how_it_stands(portal: PortalUnderTest) -> None:
    said = text_of(portal, "noc", "/data", LATER_S)

    assert " Nothing newer from 2 circuits. " in said
    assert len(re.findall(" nothing newer ", said)) >= 2
    assert " in time " in said
    assert " All 3 circuits in time. " in text_of(portal, "noc", "/data", NOW_S)
    assert " No circuit is in time. " in text_of(portal, "noc", "/data", LATER_S + 200)


def test_no_alarm_is_raised_is_said_of_now_only_while_samples_come(
    portal: PortalUnderTest,
) -> None:
    assert " No alarm is raised. " in text_of(portal, "noc", "/alarms", NOW_S)
    assert " No alarm was raised then. " in text_of(portal, "noc", "/alarms", LATER_S + 200)


def test_an_open_page_is_told_when_nothing_comes_and_when_it_comes_again(
    portal: PortalUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboards.stream.KEEP_ALIVE_SECONDS", 0.05)
    told = []
    with portal.signed_in("acme") as client, client.stream("GET", "/live", timeout=20) as stream:
        lines = stream.iter_lines()
        while len(told) < 6:
            line = next(lines)
            if line.startswith(": still"):
                told.append("quiet")
                at_s = LATER_S + 200 if len(told) < 4 else NOW_S
                portal.clock.move_to(at_s * MICROSECONDS)
            elif line.startswith("event: changed"):
                told.append("changed")

    assert told == ["quiet", "changed", "quiet", "quiet", "changed", "quiet"]


def test_the_api_says_which_state_is_one_of_then(portal: PortalUnderTest) -> None:
    def overdue(path: str, at_s: int) -> object:
        portal.clock.move_to(at_s * MICROSECONDS)
        with portal.signed_in("noc") as client:
            found = client.get(f"/api/v1/circuits{path}").json()
        portal.clock.move_to(NOW_S * MICROSECONDS)
        return {one["circuit_id"]: one["overdue"] for one in found.get("items", (found,))}

    assert overdue("", NOW_S) == {"DEN-1": False, "DEN-2": False, "LON-1": False}
    assert overdue("", LATER_S) == {"DEN-1": True, "DEN-2": False, "LON-1": True}
    assert overdue("/DEN-1", LATER_S) == {"DEN-1": True}
    assert overdue("/DEN-2", LATER_S) == {"DEN-2": False}
