"""Sign-in, sessions, tokens and the throttle (THREATS 4 and 5)."""

import json

import pytest
import sqlalchemy as sa

from dashboards.accounts import (
    SESSION_SECONDS,
    Accounts,
    Role,
    SignedIn,
    SignInRefused,
    form_token,
)
from dashboards.throttle import FAILURES_PER_USER_AND_ADDRESS, WINDOW_SECONDS
from linksla.clock import MICROSECONDS, ManualClock
from linksla.decisions import DecisionsStore, audit, chain_hash, sessions
from linksla.errors import UsageError
from linksla.inventory import Customer, Inventory
from sla.scope import AllCustomers, OnlyCustomers

PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_764_720_000 * MICROSECONDS)


@pytest.fixture
def decisions(tmp_path):
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield store
    store.close()


@pytest.fixture
def accounts(decisions, clock) -> Accounts:
    found = Accounts(decisions, clock)
    found.create_user("jane", PASSWORD, Role.CUSTOMER, ["acme"])
    return found


def sign_in(accounts, user="jane", password=PASSWORD, address="198.51.100.7", **more):
    return accounts.sign_in(user, password, address=address, loopback=False, **more)


def test_the_right_password_starts_a_session_of_the_users_scope(accounts) -> None:
    result = sign_in(accounts)

    assert isinstance(result, SignedIn)
    principal = accounts.by_session(result.session_token)
    assert principal == result.principal
    assert principal.scope == OnlyCustomers(frozenset({"acme"}))
    assert principal.csrf_token == form_token(result.session_token)


def test_a_wrong_password_and_an_unknown_user_are_answered_alike(accounts) -> None:
    assert sign_in(accounts, password="wrong") == sign_in(accounts, user="nobody")
    assert isinstance(sign_in(accounts, user="nobody"), SignInRefused)


def test_a_session_ends_after_twelve_hours(accounts, clock) -> None:
    token = sign_in(accounts).session_token
    clock.move_to(clock.now_us() + (SESSION_SECONDS - 1) * MICROSECONDS)
    assert accounts.by_session(token) is not None

    clock.move_to(clock.now_us() + MICROSECONDS)

    assert accounts.by_session(token) is None


def test_signing_in_rotates_the_session(accounts) -> None:
    first = sign_in(accounts).session_token
    second = sign_in(accounts, old_session=first).session_token

    assert first != second
    assert accounts.by_session(first) is None
    assert accounts.by_session(second) is not None


def test_signing_out_and_a_new_password_end_sessions(accounts) -> None:
    first, second = sign_in(accounts).session_token, sign_in(accounts).session_token

    accounts.sign_out(first)
    assert accounts.by_session(first) is None
    assert accounts.by_session(second) is not None
    accounts.create_user("jane", PASSWORD + "!", Role.CUSTOMER, ["acme"])
    assert accounts.by_session(second) is None


def test_guessing_is_throttled_and_the_wait_is_told(accounts, clock) -> None:
    for _ in range(FAILURES_PER_USER_AND_ADDRESS):
        assert sign_in(accounts, password="wrong").retry_after_seconds == 0

    refused = sign_in(accounts)

    assert refused.retry_after_seconds == WINDOW_SECONDS
    assert isinstance(sign_in(accounts, address="203.0.113.9"), SignedIn), "others may sign in"
    clock.move_to(clock.now_us() + WINDOW_SECONDS * MICROSECONDS)
    assert isinstance(sign_in(accounts), SignedIn)


def test_signing_in_often_is_not_guessing(accounts) -> None:
    results = [sign_in(accounts) for _ in range(FAILURES_PER_USER_AND_ADDRESS + 2)]

    assert all(isinstance(result, SignedIn) for result in results)


def test_demo_users_sign_in_from_this_machine_only(accounts) -> None:
    inventory = Inventory({"acme": Customer(id="acme", name="Acme Corp")}, {})
    logins = {login.user_id: login for login in accounts.ensure_demo_users(inventory)}
    again = {login.user_id: login for login in accounts.ensure_demo_users(inventory)}

    assert set(logins) == {"acme", "noc", "manager", "admin"}
    password = again["acme"].password
    assert password != logins["acme"].password, "new at each start"
    assert isinstance(sign_in(accounts, "acme", password), SignInRefused)
    local = accounts.sign_in("acme", password, address="127.0.0.1", loopback=True)
    assert isinstance(local, SignedIn)
    assert local.principal.label == "Acme Corp"
    assert local.principal.scope == OnlyCustomers(frozenset({"acme"}))


@pytest.mark.parametrize(
    ("role", "customer", "scope"),
    [
        (Role.CUSTOMER, "acme", OnlyCustomers(frozenset({"acme"}))),
        (Role.ACCOUNT_MANAGER, "acme", OnlyCustomers(frozenset({"acme"}), internal=True)),
        (Role.NOC, None, AllCustomers(commercial=False)),
        (Role.NOC, "acme", OnlyCustomers(frozenset({"acme"}), commercial=False)),
        (Role.ADMIN, None, AllCustomers(commercial=True)),
        (Role.ADMIN, "acme", OnlyCustomers(frozenset({"acme"}))),
    ],
)
def test_a_token_sees_what_its_role_and_customer_allow(accounts, role, customer, scope) -> None:
    new = accounts.create_token("grafana", role, customer)

    assert accounts.by_token(new.secret).scope == scope


def test_a_token_expires_and_can_be_revoked(accounts, clock) -> None:
    short = accounts.create_token("short", Role.NOC, seconds=60)
    long = accounts.create_token("long", Role.NOC)

    assert accounts.revoke_token(long.token_id)
    assert not accounts.revoke_token("no such token")
    assert accounts.by_token(long.secret) is None
    assert accounts.by_token(short.secret) is not None
    clock.move_to(clock.now_us() + 60 * MICROSECONDS)
    assert accounts.by_token(short.secret) is None
    assert accounts.by_token(short.token_id) is None


def test_a_customers_token_without_customer_and_short_passwords_are_refused(accounts) -> None:
    with pytest.raises(UsageError, match="needs a customer"):
        accounts.create_token("loose", Role.CUSTOMER)
    with pytest.raises(UsageError, match="12 to"):
        accounts.create_user("bob", "short", Role.NOC)


def test_no_secret_is_in_the_database_files(accounts, decisions, tmp_path) -> None:
    session = sign_in(accounts).session_token
    token = accounts.create_token("grafana", Role.NOC).secret
    sign_in(accounts, user=PASSWORD + " typed as the name")

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("decisions.sqlite*"))

    assert b"grafana" in stored, "the files were read"
    for secret in (PASSWORD, session, token, form_token(session)):
        assert secret.encode() not in stored


def test_every_write_is_in_the_audit_and_the_chain_holds(accounts, decisions) -> None:
    token = accounts.create_token("grafana", Role.NOC, by="jane")
    sign_in(accounts, password="wrong")
    accounts.sign_out(sign_in(accounts).session_token)
    accounts.revoke_token(token.token_id)

    with decisions.engine.connect() as connection:
        lines = connection.execute(audit.select().order_by(audit.c.number)).all()

    assert [line.action for line in lines] == [
        "user.set", "token.create", "sign_in.refused", "sign_in", "sign_out", "token.revoke",
    ]  # fmt: skip
    previous = ""
    for line in lines:
        parts = (line.number, line.at_us, line.who, line.action, line.object, line.detail)
        assert line.hash == chain_hash(previous, *parts)
        previous = line.hash
    assert json.loads(lines[1].detail)["role"] == "noc"


def test_sessions_that_are_over_are_deleted(accounts, decisions, clock) -> None:
    sign_in(accounts)
    clock.move_to(clock.now_us() + SESSION_SECONDS * MICROSECONDS)
    sign_in(accounts)

    with decisions.engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(sessions)).scalar()

    assert count == 1
