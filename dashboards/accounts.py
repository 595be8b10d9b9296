"""Who may sign in, and with which token: local accounts, sessions and API tokens.

Passwords are argon2id hashes; session and API tokens are 256 bits from the system's generator and
stored as SHA-256 only, so neither database nor log holds anything to sign in with (THREATS 4, 5).
Every write stands in the hash-chained audit, in the transaction that made it.
"""

import hashlib
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.engine import Connection, Row

from dashboards.throttle import Throttle
from linksla.clock import MICROSECONDS, Clock
from linksla.decisions import DecisionsStore, audit, record, sessions, tokens, user_customers, users
from linksla.errors import UsageError
from linksla.inventory import Inventory
from sla.scope import AllCustomers, OnlyCustomers, Scope

SESSION_SECONDS: Final = 12 * 3600
TOKEN_SECONDS_DEFAULT: Final = 90 * 86_400
TOKEN_SECONDS_MAX: Final = 366 * 86_400
PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 1_000  # hashing costs time; nobody types more
TOKEN_PREFIX: Final = "lsl_"  # noqa: S105  (lets a secret scanner find a token that leaked)

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP, 2024
_HASHING: Final = threading.Semaphore(2)  # 19 MiB and one core each; the rest of the node lives on
_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe(16))


class Role(StrEnum):
    """What somebody is here for (DESIGN 11)."""

    CUSTOMER = "customer"
    ACCOUNT_MANAGER = "account_manager"
    NOC = "noc"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, by session or by API token. `csrf_token` is empty for tokens: they need none."""

    name: str  # how the audit names them: a user id, or "token <id>"
    label: str  # how the page greets them
    role: Role
    customer_ids: frozenset[str]
    bound: bool  # a token that was bound to a customer sees that one only, whatever its role
    csrf_token: str = ""

    @property
    def by_token(self) -> bool:
        """Return whether this is an API token."""
        return not self.csrf_token

    @property
    def scope(self) -> Scope:
        """Return what every query is asked with."""
        commercial = self.role is not Role.NOC
        if self.role in (Role.NOC, Role.ADMIN) and not self.bound:
            return AllCustomers(commercial)
        internal = self.role is not Role.CUSTOMER and (
            self.role is Role.ACCOUNT_MANAGER or not self.bound
        )
        return OnlyCustomers(self.customer_ids, commercial, internal)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; `session_token` goes into the cookie and nowhere else."""

    principal: Principal
    session_token: str


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """Why not, as it may be told; `retry_after_seconds` 0: wrong name or password."""

    reason: str
    retry_after_seconds: int = 0


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new API token; `secret` is shown once."""

    token_id: str
    secret: str
    expires_at_us: int


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A demo user and this start's password, for the demo to print."""

    user_id: str
    password: str
    role: Role
    customer_ids: tuple[str, ...]


class Accounts:
    """Users, sessions and tokens in the decisions store; safe in any thread."""

    def __init__(self, decisions: DecisionsStore, clock: Clock) -> None:
        self._decisions = decisions
        self._clock = clock
        self._throttle = Throttle(clock)
        self._lock = threading.Lock()  # one audit line at a time

    def create_user(
        self,
        user_id: str,
        password: str,
        role: Role,
        customer_ids: Iterable[str] = (),
        *,
        name: str = "",
        demo: bool = False,
        by: str = "system",
    ) -> None:
        """Make a local account, or give an existing one a new password, role and customers.

        Raises:
            UsageError: the password is too short or too long, or the id is empty.
        """
        if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX or not user_id:
            raise UsageError(
                f"a password has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters",
                hint="Use a longer one; a few random words do.",
            )
        with _HASHING:
            hashed = _HASHER.hash(password)
        customers = sorted(set(customer_ids))
        values = {"name": name or user_id, "role": role.value, "password_hash": hashed,
                  "demo": demo}  # fmt: skip
        with self._lock, self._decisions.engine.begin() as connection:
            self._forget_user(connection, user_id)
            known = connection.execute(
                users.update().where(users.c.user_id == user_id).values(**values)
            )
            if not known.rowcount:
                connection.execute(users.insert().values(user_id=user_id, **values))
            for customer in customers:
                connection.execute(
                    user_customers.insert().values(user_id=user_id, customer_id=customer)
                )
            self._record(
                connection, by, "user.set", user_id,
                {"role": role.value, "customers": customers, "demo": demo},
            )  # fmt: skip

    def ensure_demo_users(self, inventory: Inventory) -> list[DemoLogin]:
        """Make one demo user per customer, and noc, manager and admin; passwords are new each time.

        Demo users sign in from this machine only. Manager's portfolio is every customer.
        """
        everyone = tuple(sorted(inventory.customers))
        wanted: list[tuple[str, Role, tuple[str, ...]]] = [
            *((customer, Role.CUSTOMER, (customer,)) for customer in everyone),
            ("noc", Role.NOC, ()),
            ("manager", Role.ACCOUNT_MANAGER, everyone),
            ("admin", Role.ADMIN, ()),
        ]
        logins = []
        for user_id, role, customers in wanted:
            password = secrets.token_urlsafe(12)
            named = inventory.customers.get(user_id) if role is Role.CUSTOMER else None
            self.create_user(
                user_id, password, role, customers,
                name=named.name if named else user_id, demo=True, by="demo",
            )  # fmt: skip
            logins.append(DemoLogin(user_id, password, role, customers))
        return logins

    def sign_in(
        self, user_id: str, password: str, *, address: str, loopback: bool, old_session: str = ""
    ) -> SignedIn | SignInRefused:
        """Start a session, or say why not; the session that came with the request ends (THREATS 5).

        An unknown user costs the same time as a wrong password and is answered alike.
        """
        waiting = self._throttle.seconds_to_wait(user_id, address)
        if waiting:
            return SignInRefused(
                f"Too many attempts. Try again in {waiting} s.", retry_after_seconds=waiting
            )
        # Counted before the slow check, so that parallel guesses are counted too.
        self._throttle.failed(user_id, address)
        with self._decisions.engine.connect() as connection:
            row = connection.execute(users.select().where(users.c.user_id == user_id)).first()
        right = _verify(row.password_hash if row else _NOBODY, password)
        if row is None or not right or (row.demo and not loopback):
            who = user_id if row else "unknown"  # people type passwords into the name field
            with self._lock, self._decisions.engine.begin() as connection:
                self._forget_expired(connection)
                self._record(connection, who, "sign_in.refused", "session",
                             {"address": address})  # fmt: skip
            return SignInRefused("That name and password do not go together.")
        self._throttle.succeeded(user_id, address)
        token = secrets.token_urlsafe(32)
        with self._lock, self._decisions.engine.begin() as connection:
            self._forget_expired(connection)
            if old_session:
                _drop_session(connection, old_session)
            connection.execute(
                sessions.insert().values(
                    token_hash=_hash(token),
                    user_id=user_id,
                    csrf_token=_hash(form_token(token)),
                    expires_at_us=self._clock.now_us() + SESSION_SECONDS * MICROSECONDS,
                )
            )
            self._record(connection, user_id, "sign_in", "session", {"address": address})
            principal = _user_principal(connection, row, token)
        return SignedIn(principal, token)

    def sign_out(self, session_token: str) -> None:
        """End a session; one that is over already is fine."""
        principal = self.by_session(session_token)
        if principal is None:
            return
        with self._lock, self._decisions.engine.begin() as connection:
            _drop_session(connection, session_token)
            self._record(connection, principal.name, "sign_out", "session", {})

    def by_session(self, session_token: str) -> Principal | None:
        """Return whose session a cookie is, or None: unknown or expired."""
        query = (
            sa.select(users)
            .join(sessions, sessions.c.user_id == users.c.user_id)
            .where(sessions.c.token_hash == _hash(session_token))
            .where(sessions.c.expires_at_us > self._clock.now_us())
        )
        with self._decisions.engine.connect() as connection:
            row = connection.execute(query).first()
            return _user_principal(connection, row, session_token) if row else None

    def by_token(self, secret: str) -> Principal | None:
        """Return what an API token stands for, or None: unknown, expired or revoked."""
        query = (
            tokens.select()
            .where(tokens.c.token_hash == _hash(secret))
            .where(tokens.c.expires_at_us > self._clock.now_us())
            .where(tokens.c.revoked.is_(False))
        )
        with self._decisions.engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        bound = row.customer_id is not None
        customers = frozenset([row.customer_id] if bound else [])
        name = f"token {row.token_id}"
        return Principal(name, row.name, Role(row.role), customers, bound)

    def person_behind(self, principal: Principal) -> str:
        """Return whose word it is: a token speaks for who made it, as far as that is known.

        Who proposes does not approve, and not by way of a token either.
        """
        if not principal.by_token:
            return principal.name
        token_id = principal.name.removeprefix("token ")
        made = sa.select(audit.c.who).where(
            audit.c.action == "token.create", audit.c.object == token_id
        )
        with self._decisions.engine.connect() as connection:
            maker = connection.execute(made).scalar()
        return principal.name if maker in (None, "system") else str(maker)

    def create_token(
        self,
        name: str,
        role: Role,
        customer_id: str | None = None,
        *,
        seconds: int = TOKEN_SECONDS_DEFAULT,
        by: str = "system",
    ) -> NewToken:
        """Make an API token (`Authorization: Bearer …`); bound to a customer it sees that one only.

        Raises:
            UsageError: a customer's or account manager's token without a customer, or a bad life.
        """
        if customer_id is None and role in (Role.CUSTOMER, Role.ACCOUNT_MANAGER):
            raise UsageError(f"a token for {role} needs a customer", hint="Name one.")
        if not 0 < seconds <= TOKEN_SECONDS_MAX:
            raise UsageError("a token lives at most 366 days", hint="Ask for less.")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token_id = secrets.token_hex(6)
        expires = self._clock.now_us() + seconds * MICROSECONDS
        with self._lock, self._decisions.engine.begin() as connection:
            connection.execute(
                tokens.insert().values(
                    token_hash=_hash(secret), token_id=token_id, name=name, role=role.value,
                    customer_id=customer_id, expires_at_us=expires, revoked=False,
                )
            )  # fmt: skip
            self._record(connection, by, "token.create", token_id,
                         {"name": name, "role": role.value, "customer": customer_id})  # fmt: skip
        return NewToken(token_id, secret, expires)

    def revoke_token(self, token_id: str, *, by: str = "system") -> bool:
        """End a token for good; return whether there was one."""
        with self._lock, self._decisions.engine.begin() as connection:
            found = connection.execute(
                tokens.update().where(tokens.c.token_id == token_id).values(revoked=True)
            )
            if found.rowcount:
                self._record(connection, by, "token.revoke", token_id, {})
        return bool(found.rowcount)

    def _record(
        self, connection: Connection, who: str, action: str, on: str, detail: dict[str, object]
    ) -> None:
        at_us = self._clock.now_us()
        record(connection, at_us=at_us, who=who, action=action, on=on, detail=detail)

    def _forget_expired(self, connection: Connection) -> None:
        """Delete sessions that are over; takes SQLite's write lock before the audit is read."""
        connection.execute(
            sessions.delete().where(sessions.c.expires_at_us <= self._clock.now_us())
        )

    def _forget_user(self, connection: Connection, user_id: str) -> None:
        """End a user's sessions and customers: a new password or role starts from nothing."""
        connection.execute(sessions.delete().where(sessions.c.user_id == user_id))
        connection.execute(user_customers.delete().where(user_customers.c.user_id == user_id))


def form_token(cookie: str) -> str:
    """Return the token that forms carry: known only to who has the cookie, and not the cookie."""
    return hashlib.sha256(b"linksla form\0" + cookie.encode()).hexdigest()


def _hash(secret: str) -> str:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _verify(hashed: str, password: str) -> bool:
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return False
    with _HASHING:
        try:
            return _HASHER.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def _drop_session(connection: Connection, token: str) -> None:
    connection.execute(sessions.delete().where(sessions.c.token_hash == _hash(token)))


def _user_principal(connection: Connection, row: Row[tuple[object, ...]], token: str) -> Principal:
    of_user = user_customers.c.user_id == row.user_id
    found = connection.execute(sa.select(user_customers.c.customer_id).where(of_user))
    customers = frozenset(str(customer) for (customer,) in found)
    return Principal(row.user_id, row.name, Role(row.role), customers, False, form_token(token))
