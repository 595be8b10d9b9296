"""A gap in the feed is announced: the numbers of every circuit of the partition may be missing it.

It belongs to no circuit, and it is never over: what is gone is gone. So it is one message, not an
alarm that waits for its clear; the ledger keeps it.
"""

import json
from collections.abc import Sequence
from typing import Final

from alerts import messages
from linksla.clock import MICROSECONDS, Clock, iso
from linksla.model import Gap
from linksla.sql import statement
from linksla.stores import TelemetryStore

TYPE_FEED_GAP: Final = "linksla.feed.gap"


def announce_gaps(
    store: TelemetryStore,
    topic: str,
    topic_id: str,
    gaps: Sequence[Gap],
    clock: Clock,
    *,
    source: str = "linksla",
) -> None:
    """Put one message a gap into the outbox; called again after a crash it adds nothing."""
    now_us = clock.now_us()
    for gap in gaps:
        subject = f"stream/{topic}/{gap.partition}"
        version = json.dumps([topic_id, gap.first_offset, gap.last_offset, gap.resume_offset])
        event_id = messages.message_id(subject, version)
        found = store.writer.execute(statement("alerts", "outbox_has"), {"id": event_id}).fetchone()
        if found != (0,):
            continue
        data = {
            "type": "feed_gap",
            "severity": "major",
            "topic": topic,
            "partition": gap.partition,
            "first_offset": gap.first_offset,
            "last_offset": gap.last_offset,
            "resumed_at_offset": gap.resume_offset,
            "reason": gap.detail,
            "reported_at": iso(now_us // MICROSECONDS),
            "runbook": "docs/runbooks.md#feed_gap",
        }
        event_at_us = now_us if gap.resume_at_us is None else gap.resume_at_us
        store.writer.execute(
            statement("alerts", "outbox_insert"),
            {
                "id": event_id,
                "subject": subject,
                "type": TYPE_FEED_GAP,
                "version": 1,
                "circuit_id": "",
                "created_at_us": now_us,
                "withheld_reason": None,
                "payload": messages.cloud_event(
                    event_id=event_id,
                    kind=TYPE_FEED_GAP,
                    source=source,
                    subject=subject,
                    event_at_s=event_at_us // MICROSECONDS,
                    data=data,
                ),
            },
        )
