"""Alarms of the node itself: messages gone before they were read, a full disk, a log that grows.

They belong to no circuit (`circuit_id` ''), and who sees every customer sees them, nobody else. For
the rest they are alarms like the others: raised and cleared, in the history and in the outbox.
"""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from alerts import messages
from alerts.alarms import Alarm, AlarmChange, AlarmKey, Standing, Withholding, step
from alerts.conditions import (
    AlarmType,
    Condition,
    Holds,
    Horizon,
    Judged,
    Measure,
    Over,
    Severity,
    Undecided,
)
from alerts.outbox import Message, put
from linksla.clock import MICROSECONDS, Clock, iso
from linksla.model import Gap
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.housekeeping import HouseCondition
from processors.transactions import transaction
from sla.records import NODE


class NodeAlarms:
    """Raises and clears them; only the thread that writes calls it."""

    def __init__(
        self,
        store: TelemetryStore,
        clock: Clock,
        *,
        close_after_seconds: int,
        source: str = "linksla",
        base_url: str = "",
    ) -> None:
        """Remember where to write; a gap's alarm ends `close_after_seconds` of reading later."""
        self._store = store
        self._clock = clock
        self._close_after_s = close_after_seconds
        self._origin = messages.Origin(source, base_url)
        self._standing: dict[AlarmKey, Alarm] | None = None
        self._gap_ends: dict[AlarmKey, tuple[str, int, int]] = {}  # topic, partition, until_s

    def raise_gaps(self, topic: str, gaps: Sequence[Gap]) -> None:
        """Raise an alarm for each gap; one that is raised already is not raised again."""
        now_s = self._clock.now_us() // MICROSECONDS
        found = []
        for gap in gaps:
            key = AlarmKey(NODE, AlarmType.FEED_GAP, f"{topic}/{gap.partition} {gap.first_offset}")
            until_s = now_s if gap.resume_at_us is None else gap.resume_at_us // MICROSECONDS
            lost = "unknown"
            if gap.last_offset is not None:
                lost = str(gap.last_offset - gap.first_offset + 1)
            measure = Measure(lost, "0", "messages not read")
            where = f"{topic} partition {gap.partition} from offset {gap.first_offset}"
            self._gap_ends[key] = topic, gap.partition, until_s
            found.append((key, Holds(now_s, now_s, f"{where}: {gap.detail}", measure)))
        self._take(found)

    def evaluate(self, house: Iterable[HouseCondition]) -> None:
        """Raise and clear what the housekeeper says, and clear gaps that are past."""
        now_s = self._clock.now_us() // MICROSECONDS
        found: list[tuple[AlarmKey, Condition]] = [
            (AlarmKey(NODE, AlarmType(one.name), ""), _condition(one, now_s)) for one in house
        ]
        standing = self._known()
        open_gaps = [
            key
            for key, alarm in standing.items()
            if key.type is AlarmType.FEED_GAP and alarm.standing is Standing.RAISED
        ]
        if open_gaps:
            watermarks = self._watermarks()
            found += [(key, self._gap_condition(key, watermarks)) for key in open_gaps]
        self._take(found)

    def _gap_condition(self, key: AlarmKey, watermarks: dict[tuple[str, int], int]) -> Condition:
        topic, partition, until_s = self._gap_ends[key]
        over_s = until_s + self._close_after_s
        if watermarks.get((topic, partition), 0) < over_s:
            return Undecided("what is missing may still be sent again")
        return Over(
            over_s,
            f"partition {partition} is read {self._close_after_s} s past the gap; what was not "
            "sent again by now stays unmeasured, and in the ledger",
        )

    def _take(self, found: Iterable[tuple[AlarmKey, Condition]]) -> None:
        """Write what changes, all of it in one transaction; mostly nothing."""
        now_us = self._clock.now_us()
        standing = self._known()
        changes = []
        for key, condition in found:
            judged = Judged(
                key.type, key.qualifier, condition, Horizon.PROVISIONAL, now_us // MICROSECONDS,
                present=True,
            )  # fmt: skip
            change = step(key, standing.get(key), judged, now_us=now_us, muted=None)
            if change is not None:
                changes.append(change)
        if not changes:
            return
        with transaction(self._store.writer):
            put(
                self._store.writer,
                self._origin.source,
                [self._written(change) for change in changes],
            )
        for change in changes:
            standing[change.alarm.key] = change.alarm

    def _written(self, change: AlarmChange) -> Message:
        alarm = change.alarm
        data = messages.node_alarm_data(change, self._origin)
        kept = data | {
            "known_outside": alarm.known_outside,
            "withholding": alarm.withholding.value,
            "withheld_reason": change.withheld_reason,
        }
        if alarm.key in self._gap_ends:
            topic, partition, until_s = self._gap_ends[alarm.key]
            kept |= {"topic": topic, "partition": partition, "gap_until_s": until_s}
        self._store.writer.execute(
            statement("alerts", "alarm_insert"),
            {
                "alarm_id": alarm.key.alarm_id,
                "revision": alarm.revision,
                "circuit_id": NODE,
                "type": alarm.key.type.value,
                "qualifier": alarm.key.qualifier,
                "severity": alarm.severity.value,
                "condition": alarm.standing.value,
                "event_at_s": alarm.event_at_s,
                "reported_at_us": change.reported_at_us,
                "reason": alarm.reason,
                "payload": json.dumps(kept, sort_keys=True),
            },
        ).fetchall()
        parts = ["node", alarm.key.type.value, *filter(None, [alarm.key.qualifier])]
        return Message(
            subject="/".join(quote(part, safe="") for part in parts),
            kind=messages.alarm_type(change),
            id_version=messages.alarm_version(change),
            version=alarm.revision,
            circuit_id=NODE,
            event_at_s=alarm.event_at_s,
            created_at_us=change.reported_at_us,
            withheld_reason=change.withheld_reason,
            data=data,
        )

    def _known(self) -> dict[AlarmKey, Alarm]:
        """Return the alarms as they stand, read once: nobody else writes them."""
        if self._standing is None:
            self._standing = {}
            rows = self._store.writer.execute(statement("alerts", "node_alarms")).fetchall()
            for kind, qualifier, revision, severity, condition, at_s, reason, *rest in rows:
                known_outside, withholding, topic, partition, until_s = rest
                key = AlarmKey(NODE, AlarmType(kind), qualifier)
                self._standing[key] = Alarm(
                    key, revision, Severity(severity), Standing(condition), at_s, reason,
                    bool(known_outside), Withholding(withholding),
                )  # fmt: skip
                if topic is not None:
                    self._gap_ends.setdefault(key, (topic, partition, until_s))
        return self._standing

    def _watermarks(self) -> dict[tuple[str, int], int]:
        rows = self._store.writer.execute(statement("alerts", "partition_watermarks")).fetchall()
        return {(topic, partition): at_us // MICROSECONDS for topic, partition, at_us in rows}


def _condition(house: HouseCondition, now_s: int) -> Condition:
    if house.holds:
        measure = Measure(house.value, house.threshold, house.unit)
        return Holds(now_s, now_s, house.reason, measure)
    return Over(now_s, f"{house.reason}, {iso(now_s)}")
