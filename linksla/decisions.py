"""The decisions store: what people decided and what cannot be computed again.

SQLite through SQLAlchemy (PostgreSQL by URL). Small and transactional. Users, sessions, tokens,
the hash-chained audit, and what was delivered to whom. Secrets are stored as hashes only.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from linksla.errors import StoreError

metadata: Final = sa.MetaData()

users: Final = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),  # customer, account_manager, noc, admin
    sa.Column("password_hash", sa.String, nullable=False),  # argon2id
    sa.Column("demo", sa.Boolean, nullable=False, default=False),  # loopback only
)

user_customers: Final = sa.Table(
    "user_customers",  # a customer's user has one row, an account manager's portfolio has many
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.user_id"), primary_key=True),
    sa.Column("customer_id", sa.String, primary_key=True),
)

sessions: Final = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.user_id"), nullable=False),
    sa.Column("csrf_token", sa.String, nullable=False),
    sa.Column("expires_at_us", sa.BigInteger, nullable=False),
)

tokens: Final = sa.Table(
    "tokens",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("token_id", sa.String, nullable=False, unique=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("customer_id", sa.String),  # null: not bound to a customer
    sa.Column("expires_at_us", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False, default=False),
)

audit: Final = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("object", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),  # canonical JSON
    sa.Column("previous_hash", sa.String, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
)

deliveries: Final = sa.Table(
    "deliveries",
    metadata,
    sa.Column("message_id", sa.String, primary_key=True),  # outbox id, or dead letter key
    sa.Column("target", sa.String, primary_key=True),  # kafka, deadletter, webhook:<name>
    sa.Column("status", sa.String, nullable=False),  # delivered, retrying, refused
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_us", sa.BigInteger, nullable=False),
    sa.Column("last_error", sa.String, nullable=False, default=""),
    sa.Column("delivered_at_us", sa.BigInteger),
)

reports: Final = sa.Table(
    "reports",
    metadata,
    sa.Column("report_id", sa.String, primary_key=True),
    sa.Column("customer_id", sa.String, nullable=False),
    sa.Column("month", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),  # draft, issued, superseded
    sa.Column("created_at_us", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),  # canonical JSON
)


def issued_versions(engine: Engine) -> dict[tuple[str, str], int]:
    """Return the latest report version that was issued, by customer and month."""
    query = (
        sa.select(reports.c.customer_id, reports.c.month, sa.func.max(reports.c.version))
        .where(reports.c.status != "draft")
        .group_by(reports.c.customer_id, reports.c.month)
    )
    with engine.connect() as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def _revisions(name: str) -> sa.Table:
    """Return a table of everything ever announced on a topic, append-only."""
    return sa.Table(
        name,
        metadata,
        sa.Column("number", sa.Integer, primary_key=True),  # order of hearing
        sa.Column("topic_id", sa.String, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("announced_at_us", sa.BigInteger, nullable=False),  # append time of the record
        sa.Column("body", sa.String),  # JSON as it came; null: withdrawn
        sa.UniqueConstraint("topic_id", "partition", "offset"),
    )


inventory_revisions: Final = _revisions("inventory_revisions")
maintenance_revisions: Final = _revisions("maintenance_revisions")

maintenance_decisions: Final = sa.Table(
    "maintenance_decisions",  # a person's word on a window; the latest counts
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("window_id", sa.String, nullable=False),
    sa.Column("revision_number", sa.Integer, nullable=False),  # the latest she could see; 0: file
    sa.Column("accepted", sa.Boolean, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
)

outage_words: Final = sa.Table(
    "outage_words",  # what people said an outage is attributed to; append-only
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("proposal_id", sa.String, nullable=False),
    sa.Column("act", sa.String, nullable=False),  # proposed, approved, refused, revoked
    sa.Column("who", sa.String, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("circuit_id", sa.String, nullable=False),  # as in the proposal, from here on
    sa.Column("outage_id", sa.String, nullable=False),
    sa.Column("start_s", sa.BigInteger, nullable=False),  # what the proposer saw, [start, end)
    sa.Column("end_s", sa.BigInteger, nullable=False),
    sa.Column("attribution", sa.String, nullable=False),
    sa.Column("ticket", sa.String),
)


class DecisionsStore:
    """A database of decisions; `url` is SQLAlchemy's, or a path for SQLite."""

    def __init__(self, where: Path | str) -> None:
        self._where = where
        self._engine: Engine | None = None

    def start(self) -> None:
        """Open the database and make what tables are missing.

        Raises:
            StoreError: it cannot be opened.
        """
        if isinstance(self._where, Path):
            self._where.parent.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{self._where}"
        else:
            url = self._where
        try:
            engine = sa.create_engine(url)
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _harden_sqlite)
            metadata.create_all(engine)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(
                f"cannot be opened: {error}", where=str(self._where), hint="Check path and rights."
            ) from None
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The open engine; use `with engine.begin() as connection`."""
        if self._engine is None:
            raise StoreError("the store is not started", where=str(self._where))
        return self._engine

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def record(
    connection: Connection, *, at_us: int, who: str, action: str, on: str, detail: dict[str, object]
) -> None:
    """Append one line to the audit, chained to the line before, in the caller's transaction."""
    last = connection.execute(
        sa.select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    ).first()
    number, previous = (last.number + 1, last.hash) if last else (1, "")
    text = json.dumps(detail, sort_keys=True, separators=(",", ":"))
    digest = chain_hash(previous, number, at_us, who, action, on, text)
    connection.execute(
        audit.insert().values(
            number=number, at_us=at_us, who=who, action=action, object=on, detail=text,
            previous_hash=previous, hash=digest,
        )
    )  # fmt: skip


def chain_hash(previous: str, *parts: object) -> str:
    """Return the SHA-256 that chains a line of the audit to the one before."""
    text = json.dumps([previous, *parts], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _harden_sqlite(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    cursor.execute("pragma foreign_keys = on")
    cursor.execute("pragma busy_timeout = 5000")
    cursor.close()
