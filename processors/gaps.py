"""Messages that are gone: written to the ledger, and stepped over."""

from collections.abc import Mapping, Sequence

import duckdb

from linksla.clock import MICROSECONDS, iso
from linksla.model import Gap
from linksla.sql import statement


def note_gaps(
    writer: duckdb.DuckDBPyConnection,
    topic: str,
    gaps: Sequence[Gap],
    identity: Mapping[str, str],
    now_us: int,
) -> None:
    """Append gaps to the ledger and continue each partition where it ends; the caller commits.

    `identity` replaces the stream's where the stream is another one.
    """
    for gap in gaps:
        writer.execute(
            statement("processors", "gap_insert"),
            {
                "topic": topic,
                "partition": gap.partition,
                "count": 0 if gap.last_offset is None else gap.last_offset - gap.first_offset + 1,
                "first_offset": gap.first_offset,
                "last_offset": gap.last_offset,
                "detail": f"{gap.detail}; {covered(writer, topic, gap, now_us)}",
            },
        )
        writer.execute(
            statement("processors", "offset_move"),
            {"topic": topic, "partition": gap.partition, "next_offset": gap.resume_offset},
        )
    for key, value in identity.items():
        writer.execute(statement("processors", "identity_replace"), {"key": key, "value": value})


def covered(cursor: duckdb.DuckDBPyConnection, topic: str, gap: Gap, now_us: int) -> str:
    """Return in words which time of appending a gap may cover."""
    row = cursor.execute(
        statement("processors", "offset_of"), {"topic": topic, "partition": gap.partition}
    ).fetchone()
    before = None if row is None else row[0]
    since = "the beginning" if before is None else iso(before // MICROSECONDS)
    until = now_us if gap.resume_at_us is None else gap.resume_at_us
    return f"it may cover what was appended from {since} to {iso(-(-until // MICROSECONDS))}"
