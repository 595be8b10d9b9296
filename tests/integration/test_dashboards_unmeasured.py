"""A range in which nothing was measured: the page says so, and where there is data."""

import re
from collections.abc import Iterator

import pytest

from tests.portal_server import PortalUnderTest, small_network_served


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalUnderTest]:
    with small_network_served(tmp_path_factory.mktemp("unmeasured")) as found:
        yield found


def availability(portal: PortalUnderTest, start: str, end: str) -> str:
    """Return the markup of LON-1's tape panel for a range of days."""
    path = f"/circuits/LON-1?from={start}T00:00:00Z&to={end}T00:00:00Z"
    with portal.signed_in("globex") as client:
        page = client.get(path).text
    return page.partition('id="tape-title"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("start", "end", "said", "leads_to"),
    [
        (
            "2025-10-01", "2025-10-02",
            "nothing was measured; there is data from 5 Oct 2025 13:00:00 BST on.",
            "from=2025-10-05T12%3A00%3A00Z&amp;to=2025-10-06T12%3A00%3A00Z",
        ),
        (
            "2025-12-05", "2025-12-07",
            "nothing was measured; there is data up to 3 Dec 2025 00:00:00 GMT.",
            "from=2025-12-01T00%3A00%3A00Z&amp;to=2025-12-03T00%3A00%3A00Z",
        ),
    ],
)  # fmt: skip
def test_outside_its_data_a_circuit_has_no_tape_but_a_way_to_where_it_has_one(
    portal: PortalUnderTest, start: str, end: str, said: str, leads_to: str
) -> None:
    panel = availability(portal, start, end)

    assert said in panel
    assert f'href="/circuits/LON-1?{leads_to}">Go to where there is data</a>' in panel
    assert "outage" not in re.sub(r"<[^>]+>", " ", panel)
    assert 'class="tape"' not in panel


def test_a_gap_within_its_data_is_drawn_as_unmeasured_and_leads_nowhere(
    portal: PortalUnderTest,
) -> None:
    panel = availability(portal, "2025-10-15", "2025-10-16")

    assert ": nothing was measured, 1 d 0 h 0 min 0 s unmeasured." in panel
    assert "no outages" not in panel
    assert "Go to where" not in panel
    assert 'class="tape-unmeasured"' in panel


def test_a_range_that_reaches_into_the_data_says_where_it_begins(portal: PortalUnderTest) -> None:
    panel = availability(portal, "2025-10-05", "2025-10-06")

    assert "no outages, begins 5 Oct 2025 13:00:00 BST" in panel
    assert "Go to where" not in panel


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("from=2025-12-02T00:00:00Z", "from 2 Dec 2025 00:00:00 GMT to 3 Dec 2025 00:00:30 GMT"),
        ("to=2025-11-03T00:00:00Z", "from 2 Nov 2025 00:00:00 GMT to 3 Nov 2025 00:00:00 GMT"),
        ("from=2025-11-02T01:00:00+01:00&to=2025-11-03T00:00:00Z", "from 2 Nov 2025 00:00:00 GMT"),
        ("from=x", "from and to are not instants"),
        ("to=2025-11-03", "from and to are not instants"),
        ("from=2026-01-02T00:00:00Z", "from must be before now, which is to where none is given"),
        ("from=2025-11-03T00:00:00Z&to=2025-11-02T00:00:00Z", "from must be before to and at most"),
    ],
)
def test_a_range_may_lack_an_end_and_one_that_is_none_is_refused(
    portal: PortalUnderTest, asked: str, shown: str
) -> None:
    with portal.signed_in("globex") as client:
        page = client.get(f"/circuits/LON-1?{asked}").text

    assert shown in page
