"""What is known of channels over time: spans that say something, complete and provisional."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from linksla.sql import statement
from processors.observations import integers
from processors.runs import LOSS_CLASS_UNKNOWN, Runs


@dataclass(frozen=True, slots=True)
class LiveSpan:
    """A provisional span: evidence beyond what is complete."""

    channel_key: int
    start_s: int
    end_s: int
    bgp: int
    loss_class: int | None


def known_spans(
    cursor: duckdb.DuckDBPyConnection,
    channel_keys: Iterable[int],
    from_s: int,
    to_s: int,
    live: Sequence[LiveSpan],
) -> Runs:
    """Return the spans of channels that reach into [from_s, to_s), by channel_key and time."""
    keys = sorted(set(channel_keys))
    if not keys:
        return Runs.none()
    asked = {
        "channel_keys": keys,
        "first_key": keys[0],
        "last_key": keys[-1],
        "from_s": from_s,
        "to_s": to_s,
    }
    found = cursor.sql(statement("sla", "evidence"), params=asked).to_arrow_table()
    names = ("channel_key", "start_s", "end_s", "bgp", "loss_class")
    complete = Runs(*(integers(found, name) for name in names))
    return Runs.together([complete, _provisional(live)]).ordered()


def _provisional(live: Sequence[LiveSpan]) -> Runs:
    rows = [
        (
            span.channel_key,
            span.start_s,
            span.end_s,
            span.bgp,
            LOSS_CLASS_UNKNOWN if span.loss_class is None else span.loss_class,
        )
        for span in live
        if span.bgp or span.loss_class is not None
    ]
    return Runs(*np.array(rows, np.int64).reshape(-1, 5).T)
