"""Cursors and ETags belong to one scope (THREATS 2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.paging import Cursors, etag, etag_matches, scope_key
from linksla.errors import UsageError
from sla.scope import AllCustomers, OnlyCustomers

ACME = OnlyCustomers(frozenset({"acme"}))
GLOBEX = OnlyCustomers(frozenset({"globex"}))


def page(cursors, items, cursor=None, limit=2, scope=ACME, question="/circuits"):
    return cursors.page(items, str, scope=scope, question=question, cursor=cursor, limit=limit)


@given(items=st.lists(st.text(), unique=True), limit=st.integers(1, 7))
def test_pages_together_are_the_list(items, limit) -> None:
    cursors, seen, cursor = Cursors(b"key"), [], None
    while True:
        found = page(cursors, items, cursor, limit)
        seen += found.items
        cursor = found.next_cursor
        if cursor is None:
            break

    assert seen == items


def test_a_cursor_goes_on_after_its_item_when_the_list_grew_in_front() -> None:
    cursors = Cursors(b"key")
    first = page(cursors, ["b", "c", "d", "e"])

    assert page(cursors, ["a", "b", "c", "d", "e"], first.next_cursor).items == ("d", "e")
    assert page(cursors, ["b", "d", "e"], first.next_cursor).items == ("e",), "its item is gone"


@pytest.mark.parametrize(
    "other",
    [
        {"scope": GLOBEX},
        {"scope": OnlyCustomers(frozenset({"acme"}), commercial=False)},
        {"scope": AllCustomers(commercial=True)},
        {"question": "/alarms"},
    ],
)
def test_a_cursor_is_refused_in_another_scope_or_question(other) -> None:
    cursors = Cursors(b"key")
    cursor = page(cursors, list("abcd")).next_cursor

    with pytest.raises(UsageError, match="cursor"):
        page(cursors, list("abcd"), cursor, **other)


@pytest.mark.parametrize("forged", ["", "x", "%%%", "é", "A" * 60, "AAAA=="])
def test_a_forged_cursor_is_refused(forged) -> None:
    cursors = Cursors(b"key")
    foreign = page(Cursors(b"other key"), list("abcd")).next_cursor

    for cursor in (forged or foreign, foreign):
        with pytest.raises(UsageError, match="cursor"):
            page(cursors, list("abcd"), cursor)


def test_an_etag_differs_by_scope_and_body() -> None:
    scopes = [ACME, GLOBEX, AllCustomers(commercial=True), AllCustomers(commercial=False)]
    tags = {etag(scope, body) for scope in scopes for body in (b"{}", b"[]")}

    assert len(tags) == 8
    assert etag(ACME, b"{}") == etag(OnlyCustomers(frozenset({"acme"})), b"{}")


def test_scopes_with_tricky_names_stay_apart() -> None:
    one = OnlyCustomers(frozenset({'a", "b'}))
    two = OnlyCustomers(frozenset({"a", "b"}))

    assert scope_key(one) != scope_key(two)


def test_if_none_match_may_hold_several_tags() -> None:
    tag = etag(ACME, b"{}")

    assert etag_matches(f'"x", W/{tag}', tag)
    assert not etag_matches('"x"', tag)
    assert not etag_matches(None, tag)
