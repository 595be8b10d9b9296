"""The month's downtime budget on the page and in the list, in plain words."""

import pytest

from tests.portal_server import small_network_served


@pytest.fixture(scope="module")
def acme(tmp_path_factory):
    with (
        small_network_served(tmp_path_factory.mktemp("budget")) as portal,
        portal.signed_in("acme") as client,
    ):
        yield client


def test_the_circuits_page_forecasts_the_open_month_and_says_how(acme) -> None:
    page = acme.get("/circuits/DEN-1").text

    # December in Denver: complete up to the 3rd; 61 days of the past, 29 to come
    assert "The rest of the month" in page
    assert "Availability is met unless more than 4 min 27 s more are down." in page
    assert "is the forecast" in page
    assert "stretches of that length had" in page


def test_a_closed_month_forecasts_nothing_and_says_what_was_too_much(acme) -> None:
    page = acme.get("/circuits/DEN-1?month=2025-10").text

    assert "The rest of the month" not in page
    assert "33 s too much" in page


def test_the_list_says_what_is_left_in_plain_words(acme) -> None:
    page = acme.get("/").text

    assert "4 min 27 s left" in page
    assert "of 4 min 27 s" in page


def test_page_and_api_forecast_alike(acme) -> None:
    body = acme.get("/api/v1/circuits/DEN-1/months/2025-12").json()["budget"]
    page = acme.get("/circuits/DEN-1").text

    assert body["forecast"]["reason"].replace("'", "&#39;") in page
    assert body["forecast"]["stretches"] >= 8
    assert (body["left_seconds"], body["allowed_seconds"]) == (267, 267)


def test_the_jitter_chart_says_which_of_the_four_kinds_it_is_or_that_nobody_said(acme) -> None:
    page = acme.get("/circuits/DEN-1?month=2025-10").text

    assert "which of the four kinds of jitter, the inventory does not say" in page
